/* A dense network times a rate per component (fields.py, MLPField). Tables: FIELD, RATE. */

typedef struct { real room[2][ROOM * BLOCK]; } ALIGNED Work;

static void field(int cells, real (*u)[BLOCK], real (*slope)[BLOCK], Work *work)
{
    memcpy(work->room[0], u, sizeof(real) * STATE * BLOCK);
    const real *found = network(cells, LAYERS, FIELD, (Activation)ACTIVATION, work->room, 0, 0);
    for (int k = 0; k < STATE; k++)
        for (int l = 0; l < BLOCK; l++) slope[k][l] = (real)RATE[k] * found[k * BLOCK + l];
}
