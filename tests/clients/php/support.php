<?php
// What the tests of PHP libraries share.
declare(strict_types=1);

const BYTES = "\0\xff\r\n\$5\r\nend\0";

set_error_handler(function (int $level, string $text, string $file, int $line): bool {
    throw new ErrorException($text, 0, $level, $file, $line);
}, E_ALL & ~E_DEPRECATED);

// Fails the test unless both are the same.
function same(mixed $wanted, mixed $got): void
{
    if ($wanted !== $got) {
        throw new Exception('wanted ' . var_export($wanted, true) . ', got ' . var_export($got, true));
    }
}

function holds(bool $what): void
{
    same(true, $what);
}

// Returns the text of the error that a call throws.
function thrown(callable $call): string
{
    try {
        $call();
    } catch (Exception $error) {
        return $error->getMessage();
    }
    throw new Exception('nothing was thrown');
}

// Has the runner start, stop or restart the server.
function control(string $action): void
{
    exec(escapeshellarg(getenv('ZSCACHE_CONTROL')) . " $action", $output, $status);
    same(0, $status);
}
