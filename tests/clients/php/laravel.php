<?php
/* Laravel's cache store, its locks and its rate limiter, over PhpRedis.
 *
 * client: Laravel's RedisStore
 * packages: php-cli php-redis php-illuminate-cache php-illuminate-redis
 * refuses: tags, which are kept in sets
 */
declare(strict_types=1);
require 'support.php';
require 'Illuminate/Cache/autoload.php';
require 'Illuminate/Redis/autoload.php';

use Illuminate\Cache\RateLimiter;
use Illuminate\Cache\RedisStore;
use Illuminate\Cache\Repository;
use Illuminate\Redis\RedisManager;

function manager(): RedisManager
{
    $place = ['host' => getenv('ZSCACHE_HOST'), 'port' => (int) getenv('ZSCACHE_PORT')];
    return new RedisManager(null, 'phpredis', [
        'options' => ['prefix' => 'laravel_database_'],
        'default' => $place + ['database' => 0],
        'cache' => $place + ['database' => 1],
    ]);
}

function values(Repository $cache): void
{
    holds($cache->put('key', ['text' => 'ü', 'bytes' => BYTES], 100));
    same(['text' => 'ü', 'bytes' => BYTES], $cache->get('key'));
    same('fallback', $cache->get('nobody', 'fallback'));
    holds($cache->forever('for ever', 1));
    holds($cache->add('added', 'first', 100));
    same(false, $cache->add('added', 'second', 100));
    same('first', $cache->pull('added'));
    holds($cache->missing('added'));
    holds($cache->put('brief', 1, 1));
    sleep(2);
    same(null, $cache->get('brief'));
}

function remembering(Repository $cache): void
{
    $calls = 0;
    for ($i = 0; $i < 3; $i++) {
        same(1, (int) $cache->remember('made', 60, function () use (&$calls) {
            return ++$calls;
        }));
    }
    same(5, (int) $cache->increment('count', 5));
    same(3, (int) $cache->decrement('count', 2));
}

function many(Repository $cache): void
{
    holds($cache->putMany(['a' => 1, 'b' => 'two', 'c' => [3]], 60));
    same(['a' => '1', 'b' => 'two', 'none' => null], array_map(
        fn ($value) => $value === null ? null : (string) $value,
        $cache->many(['a', 'b', 'none'])
    ));
    holds($cache->deleteMultiple(['a', 'b']));
    same([false, true], [$cache->has('a'), $cache->has('c')]);
}

function locks(Repository $cache): void
{
    $lock = $cache->lock('job', 10);
    holds($lock->get());
    same(false, $cache->lock('job', 10)->get());
    holds($lock->release());
    same('done', $cache->lock('job', 10)->get(fn () => 'done'));
    $mine = $cache->lock('job', 1);
    holds($mine->get());
    same('mine', $cache->lock('job', 10)->block(5, fn () => 'mine')); // waits until it expires
    same(false, $mine->release());
    $owned = $cache->lock('owned', 10);
    holds($owned->get());
    holds($cache->restoreLock('owned', $owned->owner())->release());
}

function limits(Repository $cache): void
{
    $limiter = new RateLimiter($cache);
    for ($i = 0; $i < 3; $i++) {
        holds(!$limiter->tooManyAttempts('login:ada', 3));
        $limiter->hit('login:ada', 60);
    }
    holds($limiter->tooManyAttempts('login:ada', 3));
    holds($limiter->availableIn('login:ada') > 50);
    $limiter->clear('login:ada');
    same(3, $limiter->remaining('login:ada', 3));
}

echo 'version: Laravel cache ', trim((string) shell_exec("dpkg-query -W -f '\${Version}' php-illuminate-cache")),
    ', PhpRedis ', phpversion('redis'), ' (PHP ', PHP_VERSION, ")\n";
$manager = manager();
$cache = new Repository(new RedisStore($manager, 'laravel_cache', 'cache'));
$manager->connection('default')->set('session', 'kept');
values($cache);
remembering($cache);
many($cache);
locks($cache);
limits($cache);
// cache:clear empties database 1 and leaves the sessions in database 0.
holds($cache->clear());
same([null, 'kept'], [$cache->get('for ever'), $manager->connection('default')->get('session')]);
$cache->put('key', 1, 60);
control('restart');
same(null, $cache->get('key'));
holds($cache->put('key', 'again', 60));
