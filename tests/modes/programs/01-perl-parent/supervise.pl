use strict;
use warnings;
use POSIX ();

$| = 1;
my $pid = fork() // die "fork: $!";
if ($pid == 0) {
    exec 'stepper' or POSIX::_exit(127);
}
$SIG{TERM} = sub {
    print "supervisor: forwarding TERM\n";
    kill 'TERM', $pid;
};
my $status;
while (1) {
    my $r = waitpid($pid, 0);
    next if $r == -1 && $!{EINTR};
    $status = $?;
    last if $r == $pid;
}
print "supervisor: trainer ended with status $status\n";
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
