<?php
/* Symfony's cache component: PSR-6 and PSR-16 over PhpRedis.
 *
 * client: Symfony's RedisAdapter
 * packages: php-cli php-redis php-symfony-cache php-psr-simple-cache
 * refuses: RedisTagAwareAdapter, which keeps its tags in sets; TagAwareAdapter around RedisAdapter works
 */
declare(strict_types=1);
require 'support.php';
require 'Psr/SimpleCache/autoload.php';
require 'Symfony/Component/Cache/autoload.php';

use Symfony\Component\Cache\Adapter\RedisAdapter;
use Symfony\Component\Cache\Adapter\TagAwareAdapter;
use Symfony\Component\Cache\Psr16Cache;
use Symfony\Contracts\Cache\ItemInterface;

function place(): string
{
    return 'redis://' . getenv('ZSCACHE_HOST') . ':' . getenv('ZSCACHE_PORT') . '/3';
}

function adapter(string $namespace = 'app', int $lifetime = 0): RedisAdapter
{
    return new RedisAdapter(RedisAdapter::createConnection(place()), $namespace, $lifetime);
}

// A value is made once, and again when it has expired.
function contract(RedisAdapter $cache): void
{
    $calls = 0;
    $make = function (ItemInterface $item) use (&$calls): array {
        $item->expiresAfter(100);
        return ['made' => ++$calls, 'bytes' => BYTES];
    };
    same(['made' => 1, 'bytes' => BYTES], $cache->get('item', $make));
    same(['made' => 1, 'bytes' => BYTES], $cache->get('item', $make, 0));
    holds($cache->delete('item'));
    same(2, $cache->get('item', $make)['made']);
}

function items(RedisAdapter $cache): void
{
    holds(!$cache->hasItem('one'));
    foreach (['one', 'two', 'three'] as $key) {
        holds($cache->saveDeferred($cache->getItem($key)->set("value of $key")->expiresAfter(1000)));
    }
    holds($cache->commit());
    $found = iterator_to_array($cache->getItems(['one', 'three', 'four']));
    same(['value of one', 'value of three', null], array_map(fn ($item) => $item->get(), array_values($found)));
    holds($cache->deleteItems(['one', 'two']));
    same([false, true], [$cache->hasItem('one'), $cache->hasItem('three')]);
}

function simple(): void
{
    $cache = new Psr16Cache(adapter('simple'));
    holds($cache->setMultiple(array_fill_keys(range(1, 200), 'x'), 60));
    holds($cache->set('brief', 1, 1));
    same(['x', 'fallback'], array_values([...$cache->getMultiple(['7', 'none'], 'fallback')]));
    sleep(2);
    same(null, $cache->get('brief'));
    holds($cache->clear());
    same(null, $cache->get('7'));
}

function tags(): void
{
    $cache = new TagAwareAdapter(adapter('tagged'));
    $make = fn (string $tag) => fn (ItemInterface $item) => $item->tag($tag) ? $tag : '';
    same('a', $cache->get('first', $make('a')));
    same('b', $cache->get('second', $make('b')));
    holds($cache->invalidateTags(['a']));
    same([false, true], [$cache->hasItem('first'), $cache->hasItem('second')]);
}

echo 'version: Symfony cache ', trim((string) shell_exec("dpkg-query -W -f '\${Version}' php-symfony-cache")),
    ', PhpRedis ', phpversion('redis'), ' (PHP ', PHP_VERSION, ")\n";
$cache = adapter();
contract($cache);
items($cache);
simple();
tags();
same(true, $cache->hasItem('three')); // clear() of one namespace has left the others
holds($cache->clear());
holds(!$cache->hasItem('three'));
$cache->get('kept', fn () => 1);
control('restart');
same(2, $cache->get('kept', fn () => 2));
same(2, $cache->get('kept', fn () => 3));
