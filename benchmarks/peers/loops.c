/* The floor: the suite's jobs as a C programmer would write them for this one purpose, with the same metrics.
   c_peer.py compiles this with gcc -O3 -march=native and calls it from one thread a processor. float32, as the sweep is.

   METRICS of a lane, in the order of the enum: what the walk of kernels/ gathers, from which the metrics are made. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define W 64 /* lanes side by side: four AVX-512 registers, so that one waits while the others work */
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

enum { FINAL, CLOSED, SUM1, SUM2, SUM3, SUM4, DOWN, WORST, DRAWDOWN, LONGEST, EXPOSED, TRADED, COSTS, WINS, WON, LOST,
       RETURNS, EQUITY_SUM, N_METRIC };

/* One bar of one account: what its equity adds to the metrics. */
#define GATHER(equity, before)                                  \
    float r = (equity) / (before) - 1.0f, low = MIN(r, 0.0f); \
    peak[j] = MAX(peak[j], (equity));                         \
    below[j] = (equity) < peak[j] ? below[j] + 1.0f : 0.0f;     \
    longest[j] = MAX(longest[j], below[j]);                   \
    drawdown[j] = MAX(drawdown[j], 1.0f - (equity) / peak[j]); \
    sum1[j] += r, sum2[j] += r * r, sum3[j] += r * r * r, sum4[j] += r * r * r * r; \
    down[j] += low * low, worst[j] = MIN(worst[j], r), equity_sum[j] += (equity);

/* Averages of the last `window` closes, rounded to float32; NaN (never above anything) before there are as many.
   out: (bar, window), of at most W windows. */
void averages(const double *close, int64_t bars, const int64_t *windows, int64_t n, float *out)
{
    double total[W] = { 0 };
    for (int64_t t = 0; t < bars; t++)
        for (int64_t k = 0; k < n; k++) {
            total[k] += close[t] - (t >= windows[k] ? close[t - windows[k]] : 0.0);
            out[t * n + k] = t + 1 >= windows[k] ? (float)(total[k] / (double)windows[k]) : NAN;
        }
}

/* The lanes of one fast window, fast[t * stride], with W slow ones, (bar, W). out: (metric, W). */
void dense(const float *close, int64_t bars, const float *fast, int64_t stride, const float *slow, float weight, float fee,
           float initial, float *out)
{
    {
        float cash[W], shares[W], entry[W], equity[W], peak[W], below[W], longest[W], drawdown[W];
        float sum1[W], sum2[W], sum3[W], sum4[W], down[W], worst[W], exposed[W], traded[W], costs[W];
        float closed[W], wins[W], won[W], lost[W], returns[W], equity_sum[W];
        for (int j = 0; j < W; j++) {
            cash[j] = equity[j] = peak[j] = initial, shares[j] = entry[j] = below[j] = longest[j] = drawdown[j] = 0;
            sum1[j] = sum2[j] = sum3[j] = sum4[j] = down[j] = exposed[j] = traded[j] = costs[j] = 0, worst[j] = INFINITY;
            closed[j] = wins[j] = won[j] = lost[j] = returns[j] = equity_sum[j] = 0;
        }
        for (int64_t t = 0; t < bars; t++) {
            const float price = close[t], quick = fast[t * stride], *steady = slow + t * W;
            __asm__ volatile("# step begins");
            for (int j = 0; j < W; j++) {
                float before = equity[j], now = cash[j] + shares[j] * price;
                int up = quick > steady[j], under = quick <= steady[j];
                int enters = (shares[j] == 0.0f) & up, leaves = (shares[j] != 0.0f) & under;
                exposed[j] += shares[j] != 0.0f ? 1.0f : 0.0f;
                float bought = enters ? weight * now / price : 0.0f, sold = leaves ? shares[j] : 0.0f;
                float notional = (bought + sold) * price, paid = notional * fee;
                float net = sold * (price - entry[j]) - sold * entry[j] * fee - sold * price * fee;
                cash[j] += (sold - bought) * price - paid;
                shares[j] += bought - sold;
                traded[j] += notional, costs[j] += paid;
                closed[j] += leaves ? 1.0f : 0.0f, wins[j] += net > 0.0f ? 1.0f : 0.0f;
                won[j] += MAX(net, 0.0f), lost[j] += MAX(-net, 0.0f);
                returns[j] += leaves ? net / (sold * entry[j]) : 0.0f;
                entry[j] = enters ? price : entry[j];
                equity[j] = cash[j] + shares[j] * price;
                GATHER(equity[j], before)
            }
            __asm__ volatile("# step ends");
        }
        for (int j = 0; j < W; j++) {
            const float all[N_METRIC] = { equity[j], closed[j], sum1[j], sum2[j], sum3[j], sum4[j], down[j], worst[j],
                drawdown[j], longest[j], exposed[j], traded[j], costs[j], wins[j], won[j], lost[j], returns[j], equity_sum[j] };
            for (int m = 0; m < N_METRIC; m++)
                out[m * W + j] = all[m];
        }
    }
}

/* Lanes of the narrative job, one after the other. close: (bar, asset); items sorted by bar. */
void narrative(const float *close, int64_t assets, int64_t bars, const int64_t *item_bar, const int64_t *item_asset,
               const float *warn, const float *relief, int64_t items, const float *half_life, const float *threshold,
               const float *hold, const float *weight, float fee, float initial, float *out, int64_t stride, int64_t lanes)
{
    const int j = 0;
    float *shares = malloc(assets * sizeof(float)), *entry = malloc(assets * sizeof(float));
    float *warned = malloc(assets * sizeof(float)), *relieved = malloc(assets * sizeof(float));
    int64_t *since = malloc(assets * sizeof(int64_t)), *opened = malloc(assets * sizeof(int64_t));
    int64_t *held = malloc(assets * sizeof(int64_t)), *due = malloc(assets * sizeof(int64_t));
    for (int64_t l = 0; l < lanes; l++) {
        float cash = initial, equity = initial, peak[1] = { initial }, below[1] = { 0 }, longest[1] = { 0 };
        float drawdown[1] = { 0 }, sum1[1] = { 0 }, sum2[1] = { 0 }, sum3[1] = { 0 }, sum4[1] = { 0 }, down[1] = { 0 };
        float worst[1] = { INFINITY }, equity_sum[1] = { 0 }, exposed = 0, traded = 0, costs = 0, closed = 0, wins = 0;
        float won = 0, lost = 0, returns = 0;
        const float decay = -1.0f / half_life[l];
        int64_t n_held = 0, i = 0, t = 0;
        for (int64_t a = 0; a < assets; a++)
            shares[a] = warned[a] = relieved[a] = 0, since[a] = 0, due[a] = 0;
        while (t < bars) {
            int64_t next = i < items ? item_bar[i] : bars;
            if (!n_held && next > t) { /* flat is free */
                float skipped = next - t;
                below[0] = equity < peak[0] ? below[0] + skipped : 0.0f;
                longest[0] = MAX(longest[0], below[0]), worst[0] = MIN(worst[0], 0.0f), equity_sum[0] += skipped * equity;
                t = next;
                continue;
            }
            const float *price = close + t * assets, before = equity;
            float sizing = cash;
            exposed += n_held ? 1.0f : 0.0f;
            for (int64_t h = 0; h < n_held; h++)
                sizing += shares[held[h]] * price[held[h]];
            int64_t first = i;
            for (; i < items && item_bar[i] == t; i++) {
                int64_t a = item_asset[i];
                float faded = exp2f(decay * (float)(t - since[a]));
                warned[a] = warned[a] * faded + warn[i], relieved[a] = relieved[a] * faded + relief[i], since[a] = t;
                if (shares[a] != 0.0f && relief[i] > 0.0f && warned[a] - relieved[a] <= 0.0f)
                    due[a] = 1; /* covered below */
                if (shares[a] == 0.0f && warn[i] > 0.0f && warned[a] - relieved[a] >= threshold[l])
                    due[a] = 2; /* shorted below */
            }
            int64_t kept = 0;
            for (int64_t h = 0; h < n_held; h++) {
                int64_t a = held[h];
                if (due[a] != 1 && (float)(t - opened[a]) < hold[l]) {
                    held[kept++] = a;
                    continue;
                }
                float notional = -shares[a] * price[a], bought = -shares[a] * entry[a];
                float net = bought - notional - (bought + notional) * fee;
                cash -= notional * (1.0f + fee), traded += notional, costs += notional * fee;
                closed += 1, wins += net > 0.0f, won += MAX(net, 0.0f), lost += MAX(-net, 0.0f), returns += net / bought;
                shares[a] = 0, due[a] = 0;
            }
            n_held = kept;
            for (int64_t k = first; k < i; k++) {
                int64_t a = item_asset[k];
                if (due[a] != 2)
                    continue;
                float notional = weight[l] * sizing;
                shares[a] = -notional / price[a], entry[a] = price[a], opened[a] = t, due[a] = 0, held[n_held++] = a;
                cash += notional * (1.0f - fee), traded += notional, costs += notional * fee;
            }
            equity = cash;
            for (int64_t h = 0; h < n_held; h++)
                equity += shares[held[h]] * price[held[h]];
            GATHER(equity, before)
            t++;
        }
        const float all[N_METRIC] = { equity, closed, sum1[0], sum2[0], sum3[0], sum4[0], down[0], worst[0], drawdown[0],
            longest[0], exposed, traded, costs, wins, won, lost, returns, equity_sum[0] };
        for (int m = 0; m < N_METRIC; m++)
            out[m * stride + l] = all[m];
    }
    free(shares), free(entry), free(warned), free(relieved), free(since), free(opened), free(held), free(due);
}

/* One column of the sparse job: flat stretches are skipped, held ones walked. */
void sparse(const double *close, int64_t bars, const int64_t *entries, const int64_t *exits, int64_t trades, double weight,
            double fee, double initial, double *out)
{
    const int j = 0;
    double cash = initial, equity_ = initial;
    float peak[1] = { (float)initial }, below[1] = { 0 }, longest[1] = { 0 }, drawdown[1] = { 0 }, sum1[1] = { 0 };
    float sum2[1] = { 0 }, sum3[1] = { 0 }, sum4[1] = { 0 }, down[1] = { 0 }, worst[1] = { 0 }, equity_sum[1] = { 0 };
    int64_t t = 0, closed = 0;
    for (int64_t k = 0; k < trades; k++) {
        below[0] = equity_ < peak[0] ? below[0] + (float)(entries[k] - t) : 0.0f;
        longest[0] = MAX(longest[0], below[0]), equity_sum[0] += (float)(entries[k] - t) * (float)equity_;
        double shares = weight * cash / close[entries[k]];
        cash -= shares * close[entries[k]] * (1.0 + fee);
        for (t = entries[k]; t < exits[k] && t < bars; t++) {
            double before = equity_;
            equity_ = cash + shares * close[t];
            GATHER((float)equity_, (float)before)
        }
        if (t >= bars)
            break;
        cash += shares * close[t] * (1.0 - fee), equity_ = cash, closed++;
    }
    out[FINAL] = equity_, out[CLOSED] = (double)closed, out[SUM1] = sum1[0], out[SUM2] = sum2[0], out[SUM3] = sum3[0];
    out[SUM4] = sum4[0], out[DOWN] = down[0], out[WORST] = worst[0], out[DRAWDOWN] = drawdown[0], out[LONGEST] = longest[0];
    out[EQUITY_SUM] = equity_sum[0];
}

/* Eight multiplications a turn, each waiting for the one before: 24 cycles, whatever the nominal clock is. */
int64_t chain(int32_t turns)
{
    int64_t x = 1;
#ifdef __x86_64__
    for (int32_t i = 0; i < turns; i++)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0" : "+r"(x));
#endif
    return x;
}
