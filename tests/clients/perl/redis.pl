#!/usr/bin/perl
# Redis.pm, with its automatic reconnecting.
#
# client: Redis.pm (Perl)
# packages: libredis-perl
use strict;
use warnings;
use Redis;
use Test::More;
use Time::HiRes 'usleep';

my $address = "$ENV{ZSCACHE_HOST}:$ENV{ZSCACHE_PORT}";
my $binary = join '', map { chr } 0 .. 255;

sub control {
    system($ENV{ZSCACHE_CONTROL}, @_) == 0 or die 'the runner did not do it';
}

print "version: Redis.pm $Redis::VERSION (Perl $^V)\n";
my $redis = Redis->new(server => $address, reconnect => 10, every => 10_000);

is $redis->ping, 'PONG', 'ping';
is $redis->set(name => 'zscache'), 'OK', 'set';
is $redis->get('name'), 'zscache', 'get';
is $redis->get('nobody'), undef, 'a miss';
$redis->set(binary => $binary x 100);
is $redis->get('binary'), $binary x 100, 'binary value';
$redis->mset(a => 1, b => 2);
is_deeply [$redis->mget('a', 'nobody', 'b')], [1, undef, 2], 'mget';
is $redis->incrby('n', 42), 42, 'incrby';
is $redis->set('lock', 'mine', 'NX', 'PX', 30), 'OK', 'lock';
is $redis->set('lock', 'yours', 'NX', 'PX', 30), undef, 'locked';
usleep(50_000);
is $redis->exists('lock'), 0, 'the lock expired';
$redis->setex('k', 100, 'v');
cmp_ok $redis->ttl('k'), '>=', 99, 'ttl';
$redis->hmset('user:1', name => 'Ada', visits => 1);
is_deeply {$redis->hgetall('user:1')}, {name => 'Ada', visits => 1}, 'hash';
ok !eval { $redis->lpush('list', 'item'); 1 }, 'no lists';
like $@, qr/unknown command/, 'and it says so';

# Pipelines are callbacks that are called in their order.
my @got;
for my $i (1 .. 1000) {
    $redis->set("p:$i", $i, sub { });
    $redis->get("p:$i", sub { push @got, $_[0] });
}
$redis->wait_all_responses;
is_deeply \@got, [1 .. 1000], 'pipeline';
my ($cursor, %found) = (0);
do {
    ($cursor, my $keys) = $redis->scan($cursor, MATCH => 'p:*', COUNT => 100);
    $found{$_} = 1 for @$keys;
} while ($cursor);
is keys(%found), 1000, 'scan';

my $other = Redis->new(server => $address, name => 'cache', on_connect => sub { shift->select(3) });
$other->set(name => 'another');
is $redis->get('name'), 'zscache', 'databases are apart';
is $other->client_getname, 'cache', 'the connection has its name';
$other->flushdb;
is $other->dbsize, 0, 'flushdb';
cmp_ok $redis->info->{maxmemory}, '>', 0, 'info';

# With a password, until the next restart.
$redis->config_set('requirepass', 'secret');
ok !eval { Redis->new(server => $address)->get('k'); 1 }, 'strangers are kept out';
is(Redis->new(server => $address, password => 'secret')->set(k => 'v'), 'OK', 'who knows the password is not');

control('restart');
is $redis->get('name'), undef, 'reconnects by itself';
is $redis->set(name => 'again'), 'OK', 'and goes on';
done_testing;
