/* Reads SIGTERM from a descriptor: the signal is blocked, never caught, and yet the program hears of it. */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC);
    if (descriptor < 0) {
        perror("signalfd");
        return 1;
    }
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    struct signalfd_siginfo received;
    if (read(descriptor, &received, sizeof received) != sizeof received)
        return 1;
    puts("got SIGTERM");
    return 0;
}
