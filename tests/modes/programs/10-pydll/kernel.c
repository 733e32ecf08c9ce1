#include <stddef.h>

/* runs n relaxation sweeps over the m weights, returns the last residual */
double sweep(double *w, size_t m, long n)
{
	double res = 0;

	for (long k = 0; k < n; k++) {
		res = 0;
		for (size_t i = 1; i + 1 < m; i++) {
			double v = 0.25 * w[i - 1] + 0.5 * w[i] + 0.25 * w[i + 1];

			res += (v - w[i]) * (v - w[i]);
			w[i] = v;
		}
	}
	return res;
}
