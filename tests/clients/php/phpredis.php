<?php
/* PhpRedis, the extension: strings, hashes, pipelines, serialized objects, persistent connections.
 *
 * client: PhpRedis
 * packages: php-cli php-redis
 */
declare(strict_types=1);
require 'support.php';

function dial(int $db = 0): Redis
{
    $redis = new Redis();
    holds($redis->connect(getenv('ZSCACHE_HOST'), (int) getenv('ZSCACHE_PORT')));
    holds($db === 0 || $redis->select($db));
    return $redis;
}

function strings(Redis $redis): void
{
    holds($redis->ping());
    holds($redis->set('name', 'zscache'));
    same('zscache', $redis->get('name'));
    same(false, $redis->get('nobody'));
    holds($redis->set(BYTES, BYTES . str_repeat('x', 100000)));
    same(BYTES . str_repeat('x', 100000), $redis->get(BYTES));
    holds($redis->mset(['a' => '1', 'b' => '2']));
    same(['1', false, '2'], $redis->mget(['a', 'nobody', 'b']));
    same(5, $redis->incrBy('n', 5));
    same(4, $redis->decr('n'));
    same(2, $redis->del('a', 'b'));
    same(false, $redis->lPush('list', 'item'));
    holds(str_contains($redis->getLastError(), 'unknown command'));
    $redis->clearLastError();
}

function expiry(Redis $redis): void
{
    holds($redis->setex('k', 100, 'v'));
    holds($redis->ttl('k') >= 99);
    holds($redis->psetex('short', 30, 'v'));
    holds($redis->set('lock', 'mine', ['nx', 'px' => 30]));
    same(false, $redis->set('lock', 'yours', ['nx', 'px' => 30]));
    usleep(50000);
    same(false, $redis->get('short'));
    holds($redis->set('lock', 'yours', ['nx', 'ex' => 30]));
    holds($redis->expire('k', 200) && $redis->persist('k'));
    same(-1, $redis->ttl('k'));
}

function hashes(Redis $redis): void
{
    holds($redis->hMSet('user:1', ['name' => 'Ada', 'visits' => 1]));
    same(['name' => 'Ada', 'visits' => '1'], $redis->hGetAll('user:1'));
    same(3, $redis->hIncrBy('user:1', 'visits', 2));
    same(['name' => 'Ada', 'none' => false], $redis->hMGet('user:1', ['name', 'none']));
}

function pipelines(Redis $redis): void
{
    $pipe = $redis->pipeline();
    for ($i = 0; $i < 2000; $i++) {
        $pipe->set("p:$i", "value $i")->get("p:$i");
    }
    $replies = $pipe->exec();
    for ($i = 0; $i < 2000; $i++) {
        same("value $i", $replies[2 * $i + 1]);
    }
    $redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    $iterator = null;
    $found = [];
    while ($keys = $redis->scan($iterator, 'p:*', 100)) {
        $found += array_flip($keys);
    }
    same(2000, count($found));
}

function serializing(): void
{
    $redis = dial(2);
    $redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
    $redis->setOption(Redis::OPT_PREFIX, 'app:');
    $thing = ['list' => [1, 2.5, null, true], 'text' => 'ü'];
    holds($redis->set('thing', $thing));
    same($thing, $redis->get('thing'));
    same(['app:thing'], $redis->keys('*'));
    holds($redis->flushDB());
    same(0, $redis->dbSize());
}

// A persistent connection is checked by ECHO when it is taken up again.
function persistent(): void
{
    for ($i = 0; $i < 3; $i++) {
        $redis = new Redis();
        holds($redis->pconnect(getenv('ZSCACHE_HOST'), (int) getenv('ZSCACHE_PORT')));
        holds($redis->set('persistent', "$i"));
        same("$i", $redis->get('persistent'));
        unset($redis);
        if ($i === 1) {
            control('restart');
        }
    }
}

// With a password, until the next restart.
function password(Redis $redis): void
{
    holds($redis->config('SET', 'requirepass', 'secret'));
    holds(str_contains(thrown(fn () => dial()->set('k', 'v')), 'NOAUTH'));
    $known = dial();
    holds($known->auth('secret') && $known->set('k', 'v'));
    $named = dial();
    holds($named->auth(['default', 'secret']) && $named->get('k') === 'v');
    holds(str_contains(thrown(fn () => dial()->auth('wrong')), 'WRONGPASS'));
}

function reconnects(Redis $redis): void
{
    $redis->set('name', 'zscache');
    control('restart');
    same(false, $redis->get('name')); // reconnects by itself
    holds($redis->set('name', 'again'));
    control('stop');
    thrown(fn () => $redis->get('name'));
    control('start');
    same(false, dial()->get('name'));
}

echo 'version: PhpRedis ', phpversion('redis'), ' (PHP ', PHP_VERSION, ")\n";
$redis = dial();
strings($redis);
expiry($redis);
hashes($redis);
pipelines($redis);
serializing();
holds((int) $redis->info()['maxmemory'] > 0);
persistent();
password(dial());
control('restart');
reconnects(dial());
