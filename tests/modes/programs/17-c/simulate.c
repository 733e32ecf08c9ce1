#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define N 100000

static float pos[N], vel[N];

static void store(const char *dir)
{
	char name[4096], tmp[4200];
	FILE *f;

	snprintf(name, sizeof name, "%s/particles.bin", dir);
	snprintf(tmp, sizeof tmp, "%s/particles.bin~", dir);
	f = fopen(tmp, "wb");
	if (!f) {
		perror(tmp);
		exit(1);
	}
	fwrite(pos, sizeof pos, 1, f);
	fwrite(vel, sizeof vel, 1, f);
	fclose(f);
	rename(tmp, name);
}

int main(void)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR");

	if (!dir)
		dir = "/opt/ml/checkpoints";
	mkdir(dir, 0777);
	for (int i = 0; i < N; i++)
		vel[i] = (float)(i % 100) / 100;
	puts("ready");
	fflush(stdout);
	for (int t = 0; t < 600; t++) {
		for (int i = 0; i < N; i++) {
			pos[i] += vel[i] * 0.01f;
			vel[i] -= pos[i] * 0.01f;
		}
		usleep(300 * 1000);
		store(dir);
	}
	return 0;
}
