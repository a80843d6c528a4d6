/* Arrays of IO, float or double, through blocks of cells, [cell][width] each: RUN is the name of the function.
 *
 * A family answers the first cells of a block:
 * answer(cells, x [ROWS_IN][BLOCK], option, in_float, y [ROWS_OUT][BLOCK], status [BLOCK]).
 * Outputs may lie where inputs are: a block is read before it is written. Cells of the status UNTOUCHED keep theirs.
 */
static void RUN(long cells, const IO *const *in, const double *option, IO *const *out, signed char *status)
{
    static const int IN[] = {IN_WIDTHS}, OUT[] = {OUT_WIDTHS};
    double x[ROWS_IN][BLOCK] ALIGNED, y[ROWS_OUT][BLOCK] ALIGNED, said[BLOCK] ALIGNED;
    for (long first = 0; first < cells; first += BLOCK) {
        const int count = cells - first < BLOCK ? (int)(cells - first) : BLOCK;
        for (int k = 0, row = 0; k < INPUTS; row += IN[k++])
            for (int l = 0; l < BLOCK; l++) { /* what fills up a block is its first cell once more */
                const IO *from = in[k] + (first + (l < count ? l : 0)) * IN[k];
                for (int i = 0; i < IN[k]; i++) x[row + i][l] = from[i];
            }
        answer(count, x, option, sizeof(IO) == sizeof(float), y, said);
        for (int k = 0, row = 0; k < OUTPUTS; row += OUT[k++])
            for (int l = 0; l < count; l++) {
                IO *to = out[k] + (first + l) * OUT[k];
                for (int i = 0; i < OUT[k] && said[l] != UNTOUCHED; i++) to[i] = (IO)y[row + i][l];
            }
        for (int l = 0; l < count; l++) status[first + l] = (signed char)said[l];
    }
}
