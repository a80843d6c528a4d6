/* A dense network and nothing else. Tables: DENSE. */
static void answer(int cells, double (*x)[BLOCK], const double *option, int in_float, double (*y)[BLOCK],
                   double *status)
{
    real room[2][ROOM * BLOCK] ALIGNED;
    (void)option, (void)in_float;
    for (int k = 0; k < ROWS_IN; k++)
        for (int l = 0; l < BLOCK; l++) room[0][k * BLOCK + l] = (real)x[k][l];
    const real *found = network(cells, LAYERS, DENSE, SILU, room, 0, 0);
    for (int k = 0; k < ROWS_OUT; k++)
        for (int l = 0; l < BLOCK; l++) y[k][l] = found[k * BLOCK + l];
    for (int l = 0; l < BLOCK; l++) status[l] = 0;
}
