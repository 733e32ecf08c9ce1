"""Probes: programs that behave in one known way each, so that a supervisor can be seen to meet it.

    python -I -S PATH/TO/workloads/probes NAME [ARGUMENT]...        quick to start: a few ms above the bare interpreter
    python -m workloads.probes NAME [ARGUMENT]...                   the same

Every probe but `silent` prints `ready PID` (its own pid, as it sees itself) once it is in the state it is named for:
handlers installed, children made and in their state. Whoever reads that line may send the signal. What happens later
is told by lines of its own: `got SIGTERM`, `child PID`, `allocated BYTES`. Where a probe waits it uses no CPU; where
it makes processes or takes memory, an argument bounds how much. Numbers in brackets are the behaviour cases that
the probe is for.

What it does with SIGTERM (`signals.py`)
    polite                   exits 0 [1, 3, 35, 41]
    exits CODE               exits CODE [5, 36]
    slow SECONDS [CODE]      takes SECONDS to end, then exits CODE, 0 by default [3, 4, 7, 8, 9, 44]
    tells SECONDS            says `got NAME` of every TERM, HUP, INT, QUIT, USR1 and CONT; exits 0 SECONDS after the
                             first TERM [7, 17, 33]
    deaf                     ignores it [2, 42, 53]
    no-handler               has no handler: default action, which a PID 1 never gets [6, 2]
    late SECONDS             says `starting PID` and has its handler, and is ready, only SECONDS later [14]
    blocks                   has it blocked for good: it stays pending [2]
    waits                    main thread in sigwait, exits 0: no mask shows it [1]
    waits-in-thread          a thread in sigwait, exits 0: blocked, but not pending [1]
    reraises                 its handler resets the default action and raises the signal again [6]
    stops-itself             SIGSTOP to itself [17]
    reads-tty                SIGTTIN to itself, as a background reader of a terminal gets it [18]

How it ends, without being asked (`ends.py`)
    exit CODE                [36]
    dies SIGNAL              by its own signal, default action, e.g. `dies SIGHUP` [36]
    aborts                   abort(3) [36; as PID 1: 139]
    segfaults                writes to address 0 [28]
    exec-missing             executes a file that is not there and exits 127, as a shell does [37]
    takes-memory BYTES       touches BYTES in steps of 16 MiB, then waits, exits 0 on SIGTERM [39]

What it does with other processes (`trees.py`)
    leaves-child [N]         N same-group children ignore SIGTERM, their output closed; exits 0 on SIGTERM [24]
    holds-stdout             the same with one child that keeps stdout open [56]
    escapee                  a grandchild forked twice and in a session of its own ignores SIGTERM; exits 0 [26]
    escapee-unmarked         the same, and the grandchild has an empty environment [27]
    hops N SECONDS           a descendant forks, leaves its session and exits, N times, SECONDS apart; exits 0 [26, 31]
    crashes N                dies by SIGSEGV at once and leaves N children that ignore SIGTERM [28]
    orphans N                makes N grandchildren whose parent has ended and which end at once; then polite [29]
    dies-with-child CODE     on SIGTERM its child and itself end at the same moment, itself with CODE [30]
    storm LIVE SECONDS       on SIGTERM leaves processes that fork without end, at most LIVE at any time and for
                             SECONDS at most, and exits 0 [31]
    workers N                N children ignore SIGTERM and end when it closes a pipe, which it does on SIGTERM;
                             exits 0 when all have ended, as a DataLoader does [34]

What it prints (`outputs.py`)
    floods BYTES             BYTES of numbered lines, then exits 0
    pieces                   lines in pieces, and a last one without an end on SIGTERM; exits 0
    binary                   bytes that are no text, NUL and invalid UTF-8 among them; then polite
    silent                   nothing at all; polite
    by-name N                N lines each to /dev/stdout and /dev/stderr, opened by name each time; exits 0 [58]

Shell scripts, run by `sh` or `bash`
    wrapper.sh COMMAND...    `sh -c "worker; true"`: the shell waits and has no handler [23]
    trap.sh SECONDS          bash with a trap that waits for the end of a foreground child [4, 23]
    trap-and-wait.sh SECONDS as one should: the child in the background, `wait`, and exit 42 on SIGTERM [4]
    nested.sh                a pipeline of four nested shells [25]
    by-name.sh N             N lines each to /dev/stdout and /dev/stderr by name [58]

C programs, to be compiled with `cc -o NAME NAME.c`
    polite.c                 exits 0 on SIGTERM; starts in half a millisecond
    signalfd.c               reads SIGTERM from a signalfd and exits 0: blocked, not pending [1]
    hopper.c N MICROSECONDS  `hops`, faster than an interpreter can [26, 31]
"""
