<?php
/* Predis, in pure PHP.
 *
 * client: Predis
 * packages: php-cli php-predis
 */
declare(strict_types=1);
require 'support.php';
require 'Predis/Autoloader.php';
Predis\Autoloader::register();

function dial(array $parameters = [], array $options = []): Predis\Client
{
    return new Predis\Client(
        $parameters + ['host' => getenv('ZSCACHE_HOST'), 'port' => (int) getenv('ZSCACHE_PORT')],
        $options
    );
}

function values(Predis\Client $client): void
{
    same('PONG', (string) $client->ping());
    same('OK', (string) $client->set('name', 'zscache'));
    same('zscache', $client->get('name'));
    same(null, $client->get('nobody'));
    $client->set('binary', BYTES);
    same(BYTES, $client->get('binary'));
    $client->mset(['a' => 1, 'b' => 2]);
    same(['1', null, '2'], $client->mget(['a', 'nobody', 'b']));
    same(42, $client->incrby('n', 42));
    $client->setex('k', 100, 'v');
    holds($client->ttl('k') >= 99);
    same('OK', (string) $client->set('lock', 'mine', 'PX', 30, 'NX'));
    same(null, $client->set('lock', 'yours', 'PX', 30, 'NX'));
    usleep(50000);
    same(0, $client->exists('lock'));
    $client->hmset('user:1', ['name' => 'Ada', 'visits' => 1]);
    same(['name' => 'Ada', 'visits' => '1'], $client->hgetall('user:1'));
    same(3, $client->hincrby('user:1', 'visits', 2));
    holds(str_contains(thrown(fn () => $client->lpush('list', ['item'])), 'unknown command'));
}

function pipelines(Predis\Client $client): void
{
    $replies = $client->pipeline(function ($pipe) {
        for ($i = 0; $i < 1000; $i++) {
            $pipe->set("p:$i", "value $i");
            $pipe->get("p:$i");
        }
    });
    same(2000, count($replies));
    same('value 999', $replies[1999]);
    $keys = iterator_to_array(new Predis\Collection\Iterator\Keyspace($client, 'p:*', 100), false);
    same(1000, count(array_unique($keys)));
}

function options(Predis\Client $client): void
{
    $other = dial(['database' => 7], ['prefix' => 'app:']);
    $other->set('key', 'value');
    same(['app:key'], $other->keys('*'));
    same('value', $other->get('key'));
    same(null, $client->get('app:key'));
    $other->flushdb();
    same(0, $other->dbsize());
    holds((int) $client->info()['Memory']['maxmemory'] > 0);
}

// With a password, until the next restart.
function password(Predis\Client $client): void
{
    $client->config('SET', 'requirepass', 'secret');
    holds(str_contains(thrown(fn () => dial()->get('k')), 'NOAUTH'));
    same('OK', (string) dial(['password' => 'secret'])->set('k', 'v'));
    holds(str_contains(thrown(fn () => dial(['password' => 'wrong'])->get('k')), 'WRONGPASS'));
}

function reconnects(Predis\Client $client): void
{
    control('restart');
    thrown(fn () => $client->get('name'));
    same(null, $client->get('name'));
    same('OK', (string) $client->set('name', 'again'));
}

echo 'version: Predis ', Predis\Client::VERSION, ' (PHP ', PHP_VERSION, ")\n";
$client = dial();
values($client);
pipelines($client);
options($client);
password($client);
reconnects($client);
