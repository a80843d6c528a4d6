/* Every quadratic system (fields.py, BilinearField). Tables: CONSTANT [STATE]; WEIGHTS [1][STATE], of the state, then of
 * the products u_i u_j with i <= j. */

typedef struct { real product[BLOCK]; } ALIGNED Work;

static void add(const double *weight, const real *feature, real (*slope)[BLOCK])
{
    for (int k = 0; k < STATE; k++)
        for (int l = 0; l < BLOCK; l++) slope[k][l] += (real)weight[k] * feature[l];
}

static void field(int cells, real (*u)[BLOCK], real (*slope)[BLOCK], Work *work)
{
    int row = 0;
    (void)cells;
    for (int k = 0; k < STATE; k++)
        for (int l = 0; l < BLOCK; l++) slope[k][l] = (real)CONSTANT[k];
    for (int i = 0; i < STATE; i++) add(WEIGHTS[row++], u[i], slope);
    for (int i = 0; i < STATE; i++)
        for (int j = i; j < STATE; j++) {
            for (int l = 0; l < BLOCK; l++) work->product[l] = u[i][l] * u[j][l];
            add(WEIGHTS[row++], work->product, slope);
        }
}
