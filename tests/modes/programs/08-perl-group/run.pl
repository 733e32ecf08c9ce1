use strict;
use warnings;

$| = 1;
my $pid = fork;
die "fork failed: $!" unless defined $pid;
if (!$pid) {
    exec $^X, 'train.pl' or die "exec: $!";
}
local $SIG{TERM} = sub {
    print "terminating $pid\n";
    kill TERM => $pid;
    select undef, undef, undef, 0.4;
    exit 143;
};
1 while waitpid($pid, 0) != $pid;
exit $? >> 8;
