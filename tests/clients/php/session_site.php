<?php
// A page that counts visits; see phpredis_session.php.
session_start();
if (isset($_GET['leave'])) {
    session_destroy();
    exit('{}');
}
if (isset($_GET['renew'])) {
    session_regenerate_id(true);
}
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
$_SESSION['note'] = str_repeat("\0binary ", 200);
echo json_encode(['visits' => $_SESSION['visits']]);
