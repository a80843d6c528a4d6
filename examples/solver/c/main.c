/* Reactors of constant pressure, each for itself: main CELLS STEPS FINGERPRINT < start > end */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chemistry_h2.h"

enum { S = CHEMISTRY_H2_SPECIES };
static const char *const SPECIES[] = {"H2", "H", "O", "O2", "OH", "H2O", "HO2", "H2O2", "AR", "N2"};
static const double DT = 1e-6, LONGEST = 2.5e-6;

static void check(int error)
{
    if (!error) return;
    fprintf(stderr, "%s\n", chemistry_h2_message(error));
    exit(1);
}

int main(int count, char **word)
{
    if (count != 4) return fprintf(stderr, "main CELLS STEPS FINGERPRINT < start > end\n"), 1;
    const long cells = atol(word[1]), steps = atol(word[2]);
    check(chemistry_h2_check(CHEMISTRY_H2_VERSION, word[3], S, SPECIES));

    double *t = malloc(sizeof *t * cells), *p = malloc(sizeof *p * cells), *dt = malloc(sizeof *dt * cells);
    double *y = malloc(sizeof *y * cells * S);
    signed char *status = malloc(cells);
    long doubted = 0, n = cells;
    if (fread(t, sizeof *t, n, stdin) + fread(p, sizeof *p, n, stdin) != (size_t)(2 * n)) return 1;
    if (fread(y, sizeof *y, n * S, stdin) != (size_t)(n * S)) return 1;
    for (long i = 0; i < cells; i++) dt[i] = DT;

    const clock_t begin = clock();
    for (long step = 0; step < steps; step++) { /* a solver would move the gas here */
        check(chemistry_h2_advance(cells, S, t, p, y, dt, LONGEST, t, y, status));
        for (long i = 0; i < cells; i++) doubted += status[i] > 1; /* a solver would ask a stiff solver for these */
    }
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    fprintf(stderr, "%.2f us a cell and step; %ld of %ld answers in doubt\n", 1e6 * seconds / cells / steps, doubted,
            cells * steps);
    fwrite(t, sizeof *t, cells, stdout);
    fwrite(y, sizeof *y, cells * S, stdout);
    free(t), free(p), free(dt), free(y), free(status);
    return 0;
}
