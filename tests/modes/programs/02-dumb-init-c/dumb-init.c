/* dumb-init: run a command in a new session and proxy signals to it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child_pid = -1;

static void handle_signal(int signum)
{
	int saved = errno;

	if (signum == SIGCHLD) {
		int status, code;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid != child_pid)
				continue;
			code = WIFEXITED(status) ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status);
			/* take the rest of the session along */
			kill(-child_pid, SIGTERM);
			_exit(code);
		}
	} else if (child_pid > 0) {
		kill(-child_pid, signum);
	}
	errno = saved;
}

int main(int argc, char *argv[])
{
	static const int proxied[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD };
	sigset_t all, old;
	size_t i;
	int first = 1;

	if (first < argc && strcmp(argv[first], "--") == 0)
		first++;
	if (first >= argc) {
		fprintf(stderr, "usage: dumb-init [--] program [args]\n");
		return 1;
	}

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++) {
		struct sigaction sa;

		memset(&sa, 0, sizeof sa);
		sa.sa_handler = handle_signal;
		sigfillset(&sa.sa_mask);
		sigaction(proxied[i], &sa, NULL);
	}

	child_pid = fork();
	if (child_pid < 0) {
		perror("fork");
		return 1;
	}
	if (child_pid == 0) {
		for (i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++)
			signal(proxied[i], SIG_DFL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		setsid();
		execvp(argv[first], &argv[first]);
		perror(argv[first]);
		_exit(127);
	}

	sigdelset(&all, SIGTERM);
	for (i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++)
		sigdelset(&all, proxied[i]);
	for (;;)
		sigsuspend(&all);
}
