#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N 512

static double grid[N][N], next[N][N];

static void write_result(const char *dir)
{
	char path[4096];
	FILE *f;

	mkdir(dir, 0777);
	snprintf(path, sizeof path, "%s/grid.bin", dir);
	f = fopen(path, "wb");
	if (!f)
		return;
	fwrite(grid, sizeof grid, 1, f);
	fclose(f);
}

int main(void)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR");

	for (int i = 0; i < N; i++)
		grid[0][i] = 100.0;
	printf("grid %dx%d\n", N, N);
	printf("ready\n");
	fflush(stdout);
	for (int iter = 0; iter < 1200; iter++) {
		for (int i = 1; i < N - 1; i++)
			for (int j = 1; j < N - 1; j++)
				next[i][j] = 0.25 * (grid[i - 1][j] + grid[i + 1][j] + grid[i][j - 1] + grid[i][j + 1]);
		for (int j = 0; j < N; j++)
			next[0][j] = 100.0;
		memcpy(grid, next, sizeof grid);
		usleep(100000);
	}
	write_result(dir ? dir : "/opt/ml/checkpoints");
	return 0;
}
