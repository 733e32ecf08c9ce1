#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

static int pipefd[2];

static void on_signal(int sig)
{
	int e = errno;
	char c = (char)sig;

	if (write(pipefd[1], &c, 1) < 0) { /* pipe is full, a byte is there already */ }
	errno = e;
}

static long read_step(const char *file)
{
	long step = 0;
	FILE *f = fopen(file, "r");

	if (f) {
		if (fscanf(f, "step=%ld", &step) != 1)
			step = 0;
		fclose(f);
	}
	return step;
}

int main(void)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR") ? getenv("SM_CHECKPOINT_DIR") : "/opt/ml/checkpoints";
	char file[4096], part[4200];
	struct sigaction sa = { 0 };
	double acc = 0;
	long step;

	mkdir(dir, 0755);
	snprintf(file, sizeof file, "%s/fit.state", dir);
	snprintf(part, sizeof part, "%s.part", file);

	if (pipe(pipefd))
		return 2;
	fcntl(pipefd[1], F_SETFL, O_NONBLOCK);
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGTERM, &sa, NULL);

	step = read_step(file);
	printf("starting at step %ld\nready\n", step);
	fflush(stdout);

	for (;;) {
		fd_set fds;
		struct timeval tv = { 0, 50000 };

		FD_ZERO(&fds);
		FD_SET(pipefd[0], &fds);
		if (select(pipefd[0] + 1, &fds, NULL, NULL, &tv) > 0)
			break;
		for (int i = 1; i < 20000; i++)
			acc += 1.0 / i;
		step++;
	}

	FILE *f = fopen(part, "w");
	if (!f)
		return 1;
	fprintf(f, "step=%ld\nacc=%.12f\n", step, acc);
	for (int i = 0; i < 50000; i++)
		fprintf(f, "%d %.6f\n", i, acc / (i + 1));
	if (fclose(f) || rename(part, file))
		return 1;
	return 0;
}
