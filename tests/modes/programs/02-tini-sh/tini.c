/* tini - a tiny init: starts one child, passes signals on, reaps zombies.
 *
 *   tini [-g] [-s] [--] program [args...]
 *
 *   -g  send signals to the child's process group
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int kill_group = 0;

static pid_t spawn(char *const argv[], const sigset_t *child_mask)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("[tini] fork failed");
		exit(1);
	}
	if (pid == 0) {
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, child_mask, NULL);
		execvp(argv[0], argv);
		fprintf(stderr, "[tini] exec %s failed: %s\n", argv[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	return pid;
}

static int reap(pid_t child)
{
	int status, code = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		if (WIFEXITED(status))
			code = WEXITSTATUS(status);
		else if (WIFSIGNALED(status))
			code = 128 + WTERMSIG(status);
	}
	return code;
}

int main(int argc, char *argv[])
{
	int opt, code = -1;
	sigset_t all, old;
	struct timespec tick = { .tv_sec = 1, .tv_nsec = 0 };

	while ((opt = getopt(argc, argv, "+gs")) != -1) {
		if (opt == 'g')
			kill_group = 1;
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: tini [-g] [-s] [--] program [args]\n");
		return 1;
	}

	sigfillset(&all);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	sigprocmask(SIG_SETMASK, &all, &old);

	pid_t child = spawn(argv + optind, &old);

	while (code == -1) {
		siginfo_t info;
		int sig = sigtimedwait(&all, &info, &tick);

		if (sig > 0 && sig != SIGCHLD)
			kill(kill_group ? -child : child, sig);
		code = reap(child);
	}
	return code;
}
