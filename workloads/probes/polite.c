/* Exits 0 on SIGTERM. The smallest program that stops as it should. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void leave(int number)
{
    (void)number;
    _exit(0);
}

int main(void)
{
    struct sigaction action = {.sa_handler = leave};
    sigaction(SIGTERM, &action, NULL);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (;;)
        pause();
}
