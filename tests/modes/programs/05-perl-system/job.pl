use strict;
use warnings;

$| = 1;
my @stages = (
    [ prepare => $^X, '-e', 'print "prepared\n"' ],
    [ train   => $^X, 'train.pl' ],
    [ report  => $^X, '-e', 'print "all done\n"' ],
);
for my $stage (@stages) {
    my ($name, @cmd) = @$stage;
    print "== stage $name\n";
    system(@cmd) == 0 or die "stage $name failed: $?\n";
}
