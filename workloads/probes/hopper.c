/*
 * hopper TIMES MICROSECONDS: a descendant forks, leaves its session and exits, TIMES times, so that whoever lists
 * processes finds one that has just gone. The main process exits 0 on SIGTERM. Never more than three processes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void leave(int number)
{
    (void)number;
    _exit(0);
}

/* Become a child of oneself, once the parent has gone: only it holds the other end of the pipe. */
static void hop(void)
{
    int ends[2];
    char none;
    if (pipe(ends) != 0)
        _exit(1);
    pid_t child = fork();
    if (child != 0)
        _exit(child < 0);
    close(ends[1]);
    if (read(ends[0], &none, 1) != 0)
        _exit(1);
    close(ends[0]);
    setsid();
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fputs("usage: hopper TIMES MICROSECONDS\n", stderr);
        return 2;
    }
    long times = atol(arguments[1]);
    useconds_t between = (useconds_t)atol(arguments[2]);
    if (fork() == 0) {
        signal(SIGTERM, SIG_IGN);
        for (long done = 0; done < times; done++) {
            hop();
            usleep(between);
        }
        printf("hopped %ld times, into session %d\n", times, (int)getsid(0));
        fflush(stdout);
        _exit(0);
    }
    struct sigaction action = {.sa_handler = leave};
    sigaction(SIGTERM, &action, NULL);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (;;)
        pause();
}
