use strict;
use warnings;

$| = 1;
$SIG{TERM} = sub { die "terminated by signal\n" };

defined(my $pid = fork) or die "fork: $!";
unless ($pid) {
    $SIG{TERM} = 'DEFAULT';
    exec 'net' or die "exec: $!";
}
eval { waitpid $pid, 0; 1 } or do {
    print "launcher: $@";
    exit 143;
};
exit $? >> 8;
