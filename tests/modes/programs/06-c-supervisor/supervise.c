/* supervise: keep a program running, start it again when it fails */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void quit(int sig)
{
	static const char msg[] = "supervise: terminated\n";

	(void)sig;
	if (write(2, msg, sizeof msg - 1) < 0)
		_exit(1);
	_exit(0);
}

int main(int argc, char **argv)
{
	int tries;

	if (argc < 2)
		return 2;
	for (tries = 0; tries < 3; tries++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			execvp(argv[1], argv + 1);
			_exit(127);
		}
		signal(SIGTERM, quit);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return 0;
		fprintf(stderr, "supervise: %s ended with %d, restart\n", argv[1], status);
	}
	return 1;
}
