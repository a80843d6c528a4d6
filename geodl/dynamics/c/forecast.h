/* States at the lead times, by an explicit Runge-Kutta scheme (neural_ode.py).
 *
 * Tables: MEAN and STD of the state variables; A and B of the scheme. Before it stands the field.
 */

enum { OK, OUT_OF_DOMAIN };

typedef struct {
    real u[STATE][BLOCK], stage[STATE][BLOCK], slope[STAGES][STATE][BLOCK];
    Work work;
} ALIGNED March;

/* to = from + Σ weight[j] slope[j], of the first stages. */
static void combine(real (*to)[BLOCK], March *m, int stages, const double *weight)
{
    for (int k = 0; k < STATE; k++)
        for (int l = 0; l < BLOCK; l++) {
            real sum = 0;
            for (int j = 0; j < stages; j++) sum += (real)weight[j] * m->slope[j][k][l];
            to[k][l] = m->u[k][l] + sum * (real)(1. / SUBSTEPS);
        }
}

static void one_step(int cells, March *m)
{
    for (int i = 0; i < STAGES; i++) {
        combine(m->stage, m, i, A[i]);
        field(cells, m->stage, m->slope[i], &m->work);
    }
    combine(m->u, m, STAGES, B);
}

/* Rows of x: the state variables; of y: their values at all lead times, one variable after the other. */
static void answer(int cells, double (*x)[BLOCK], const double *option, int in_float, double (*y)[BLOCK],
                   double *status)
{
    March m;
    double seen[STATE][BLOCK] ALIGNED;
    (void)option, (void)in_float;
    for (int k = 0; k < STATE; k++)
        for (int l = 0; l < BLOCK; l++) seen[k][l] = m.u[k][l] = (real)((x[k][l] - MEAN[k]) / STD[k]);
    for (int g = 0; g < cells; g += D) store(status + g, choose(at_home(seen, g), same(OK), same(OUT_OF_DOMAIN)));
    for (int lead = 0; lead < LEADS; lead++) {
        for (int s = 0; s < SUBSTEPS; s++) one_step(cells, &m);
        for (int k = 0; k < STATE; k++)
            for (int l = 0; l < BLOCK; l++) {
                int sound = 1;
                for (int i = 0; i < STATE; i++) sound &= x[i][l] - x[i][l] == 0; /* neither NaN nor infinite */
                y[k * LEADS + lead][l] = sound ? m.u[k][l] * STD[k] + MEAN[k] : NAN;
            }
    }
}
