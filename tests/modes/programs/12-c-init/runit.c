#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef STOP_MS
#define STOP_MS 800
#endif

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	sigset_t set, old;
	pid_t child;
	long deadline = 0;

	if (argc < 2)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);

	child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		setsid();
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	for (;;) {
		struct timespec tick = { 0, 100 * 1000000L };
		int status, sig = sigtimedwait(&set, NULL, &tick);
		pid_t pid;

		if (sig == SIGTERM || sig == SIGINT) {
			kill(-child, sig);
			deadline = now_ms() + STOP_MS;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == child)
				return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (deadline && now_ms() >= deadline) {
			fprintf(stderr, "runit: stop time is over\n");
			kill(-child, SIGKILL);
			deadline = 0;
		}
	}
}
