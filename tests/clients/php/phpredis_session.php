<?php
/* The session handler of PhpRedis, behind PHP's own web server.
 *
 * client: PhpRedis as session handler
 * packages: php-cli php-redis
 */
declare(strict_types=1);
require 'support.php';

// Starts PHP's web server with sessions in the cache; returns the process and the address of the site.
function site(string ...$settings): array
{
    $host = getenv('ZSCACHE_HOST');
    $port = getenv('ZSCACHE_PORT');
    $probe = stream_socket_server('tcp://127.0.0.1:0');
    $address = stream_socket_get_name($probe, false);
    fclose($probe);
    $command = [PHP_BINARY, '-d', 'session.save_handler=redis', '-d', "session.save_path=\"tcp://$host:$port?database=1\"",
        '-d', 'session.gc_maxlifetime=100', ...$settings, '-S', $address, __DIR__ . '/session_site.php'];
    $silent = [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']];
    $process = proc_open($command, $silent, $pipes, null, ['PHP_CLI_SERVER_WORKERS' => '4'] + getenv());
    for ($i = 0; !@stream_socket_client("tcp://$address", $code, $text, 1); $i++) {
        holds($i < 1000);
        usleep(10000);
    }
    return [$process, "http://$address/"];
}

// Asks as a browser that keeps its cookie does.
function browse(string $url, string &$cookie): array
{
    $context = stream_context_create(['http' => ['header' => "Cookie: $cookie\r\n", 'ignore_errors' => true]]);
    $body = file_get_contents($url, false, $context);
    foreach ($http_response_header as $line) {
        if (preg_match('/^Set-Cookie: ([^;]+)/i', $line, $found)) {
            $cookie = $found[1];
        }
    }
    return json_decode($body, true, 10, JSON_THROW_ON_ERROR);
}

function visits(string $site): void
{
    $ada = $ben = '';
    for ($i = 1; $i <= 5; $i++) {
        same(['visits' => $i], browse($site, $ada));
    }
    same(['visits' => 1], browse($site, $ben));
    $redis = new Redis();
    $redis->connect(getenv('ZSCACHE_HOST'), (int) getenv('ZSCACHE_PORT'));
    same(0, $redis->dbSize());
    $redis->select(1);
    $keys = $redis->keys('PHPREDIS_SESSION:*');
    same(2, count($keys));
    holds($redis->ttl($keys[0]) > 90 && $redis->ttl($keys[0]) <= 100);
    same(['visits' => 6], browse($site . '?renew=1', $ada));
    same(['visits' => 7], browse($site, $ada));
    browse($site . '?leave=1', $ada);
    same(['visits' => 1], browse($site, $ada));
}

// Requests of one session that come at the same time wait for each other, so none of their visits is lost.
function locking(): void
{
    [$process, $site] = site('-d', 'redis.session.locking_enabled=1', '-d', 'redis.session.lock_wait_time=2000',
        '-d', 'redis.session.lock_retries=-1');
    $cookie = '';
    browse($site, $cookie);
    $address = str_replace('http:', 'tcp:', rtrim($site, '/'));
    $requests = array_map(fn () => stream_socket_client($address), range(1, 12));
    foreach ($requests as $request) {
        fwrite($request, "GET / HTTP/1.0\r\nCookie: $cookie\r\n\r\n");
    }
    array_map('stream_get_contents', $requests);
    same(['visits' => 14], browse($site, $cookie));
    proc_terminate($process);
}

echo 'version: PhpRedis ', phpversion('redis'), ' (PHP ', PHP_VERSION, ")\n";
set_error_handler(null);
[$process, $site] = site();
visits($site);
control('restart');
$cookie = '';
same(['visits' => 1], browse($site, $cookie));
same(['visits' => 2], browse($site, $cookie));
proc_terminate($process);
locking();
