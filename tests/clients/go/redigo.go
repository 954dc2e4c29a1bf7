// Redigo, with its pool of connections.
//
// client: Redigo (Go)
// packages: golang-go golang-github-gomodule-redigo-dev
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

var address = os.Getenv("ZSCACHE_HOST") + ":" + os.Getenv("ZSCACHE_PORT")

func check(what string, err error) {
	if err != nil {
		fmt.Println(what+":", err)
		os.Exit(1)
	}
}

func holds(what string, is bool) {
	if !is {
		check(what, errors.New("not so"))
	}
}

func control(action string) {
	check("control", exec.Command(os.Getenv("ZSCACHE_CONTROL"), action).Run())
}

func values(c redis.Conn) {
	binary := bytes.Repeat([]byte("\x00\xff\r\n$-1"), 50000)
	_, err := c.Do("SET", "binary", binary, "EX", 100)
	check("SET", err)
	got, err := redis.Bytes(c.Do("GET", "binary"))
	holds("binary value", err == nil && bytes.Equal(got, binary))
	_, err = redis.String(c.Do("GET", "nobody"))
	holds("a miss", err == redis.ErrNil)
	_, err = c.Do("MSET", "a", 1, "b", 2)
	check("MSET", err)
	numbers, err := redis.Ints(c.Do("MGET", "a", "b"))
	holds("MGET", err == nil && len(numbers) == 2 && numbers[1] == 2)
	_, err = c.Do("HSET", "user:1", "name", "Ada", "visits", 1)
	check("HSET", err)
	user := struct {
		Name   string `redis:"name"`
		Visits int    `redis:"visits"`
	}{}
	fields, err := redis.Values(c.Do("HGETALL", "user:1"))
	check("HGETALL", err)
	check("ScanStruct", redis.ScanStruct(fields, &user))
	holds("a struct from a hash", user.Name == "Ada" && user.Visits == 1)
	_, err = c.Do("LPUSH", "list", "item")
	holds("no lists", err != nil && strings.Contains(err.Error(), "unknown command"))
}

func pipelines(c redis.Conn) {
	for i := 0; i < 1000; i++ {
		check("Send", c.Send("SET", fmt.Sprint("p:", i), i, "PX", 60000))
		check("Send", c.Send("GET", fmt.Sprint("p:", i)))
	}
	check("Flush", c.Flush())
	for i := 0; i < 1000; i++ {
		_, err := c.Receive()
		check("Receive", err)
		got, err := redis.Int(c.Receive())
		holds("reply in its order", err == nil && got == i)
	}
	check("MULTI", c.Send("MULTI"))
	check("INCR", c.Send("INCR", "n"))
	check("INCR", c.Send("INCR", "n"))
	counts, err := redis.Ints(c.Do("EXEC"))
	holds("EXEC", err == nil && len(counts) == 2 && counts[1] == 2)
}

// A lock that only its owner releases.
func locks(pool *redis.Pool) {
	release := redis.NewScript(1, `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`)
	inside, total := 0, 0
	var all sync.WaitGroup
	for owner := 1; owner <= 8; owner++ {
		all.Add(1)
		go func(owner int) {
			defer all.Done()
			c := pool.Get()
			defer c.Close()
			for {
				_, err := redis.String(c.Do("SET", "lock", owner, "NX", "PX", 10000))
				if err == nil {
					break
				}
				holds("locked", err == redis.ErrNil)
				time.Sleep(time.Millisecond)
			}
			inside++
			holds("alone", inside == 1)
			total++
			time.Sleep(time.Millisecond)
			inside--
			released, err := redis.Int(release.Do(c, "lock", owner))
			holds("released", err == nil && released == 1)
		}(owner)
	}
	all.Wait()
	holds("all had the lock", total == 8)
}

func subscriptions(pool *redis.Pool) {
	listener := redis.PubSubConn{Conn: pool.Get()}
	defer listener.Close()
	check("Subscribe", listener.Subscribe("news"))
	_, subscribed := listener.Receive().(redis.Subscription)
	holds("subscribed", subscribed)
	c := pool.Get()
	defer c.Close()
	_, err := c.Do("PUBLISH", "news", "hello")
	check("PUBLISH", err)
	message, is := listener.Receive().(redis.Message)
	holds("the message", is && string(message.Data) == "hello")
}

// The pool tests connections before it gives them out, and replaces those that have died.
func reconnects(pool *redis.Pool) {
	control("restart")
	c := pool.Get()
	defer c.Close()
	_, err := redis.String(c.Do("GET", "binary"))
	holds("a new server", err == redis.ErrNil)
}

func main() {
	version, _ := exec.Command("dpkg-query", "-W", "-f", "${Version}", "golang-github-gomodule-redigo-dev").Output()
	fmt.Printf("version: Redigo %s (%s)\n", version, runtime.Version())
	pool := &redis.Pool{
		MaxIdle: 10,
		Dial:    func() (redis.Conn, error) { return redis.Dial("tcp", address, redis.DialDatabase(2)) },
		TestOnBorrow: func(c redis.Conn, _ time.Time) error {
			_, err := c.Do("PING")
			return err
		},
	}
	c := pool.Get()
	values(c)
	pipelines(c)
	check("Close", c.Close())
	locks(pool)
	subscriptions(pool)
	reconnects(pool)
}
