use strict;
use warnings;
use Time::HiRes qw(alarm);

$| = 1;
my $pid = fork // die "fork: $!";
if (!$pid) {
    exec 'dump' or die "exec: $!";
}
$SIG{TERM} = $SIG{INT} = sub {
    my $sig = shift;
    print "guard: $sig\n";
    kill $sig, $pid;
    alarm 1.2;
};
$SIG{ALRM} = sub {
    print "guard: no answer, KILL\n";
    kill 'KILL', $pid;
};
while ((my $r = waitpid $pid, 0) != $pid) {
    last if $r == -1 && !$!{EINTR};
}
exit(($? & 127) ? 128 + ($? & 127) : $? >> 8);
