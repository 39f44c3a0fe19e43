/* A stand-in for the native archive library: the same symbols, served from the files of $FINANCE_STUB.
 *
 *   rows        lines "SEQ<tab>JSON": what GetChatData answers      answer     its whole answer instead
 *   rc          the return code of every call                      too_large  301058 above this limit
 *   dies_after  after so many pulls a handle's token is dead for good
 *   hang        GetChatData never returns
 *   leak        MiB that each GetChatData loses                    huge       above this limit its answer is said
 *                                                                             to have 2 GiB
 *   deaths      gets one letter more before each crash
 * The cipher: hex of the text xor the key, the text led by "OK:". Like the real one it aborts on less than 13
 * characters, prints to standard output, and answers a wrong key with 10008. "CRASH" and "HANG" do as they say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { int pulls, open; } Sdk;
typedef struct { char *buf; int len; } Slice;
typedef struct { char *outindexbuf; int out_len; char *data; int data_len; int is_finish; } MediaData;

static char *content(const char *name, long *length) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("FINANCE_STUB"), name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    if (fread(text, 1, (size_t)size, file) != (size_t)size) abort();
    fclose(file);
    if (length) *length = size;
    return text;
}

static long number(const char *name, long otherwise) {
    char *text = content(name, NULL);
    long value = text ? atol(text) : otherwise;
    free(text);
    return value;
}

static void fill(Slice *out, const char *text) {
    out->len = (int)strlen(text);
    out->buf = malloc((size_t)out->len + 1);
    memcpy(out->buf, text, (size_t)out->len + 1);
}

Sdk *NewSdk(void) { return calloc(1, sizeof(Sdk)); }
void DestroySdk(Sdk *sdk) { free(sdk); }
Slice *NewSlice(void) { return calloc(1, sizeof(Slice)); }
void FreeSlice(Slice *s) { free(s->buf); free(s); }
char *GetContentFromSlice(Slice *s) { return s->buf; }
int GetSliceLen(Slice *s) { return s->len; }
MediaData *NewMediaData(void) { return calloc(1, sizeof(MediaData)); }
void FreeMediaData(MediaData *m) { free(m->outindexbuf); free(m->data); free(m); }
char *GetOutIndexBuf(MediaData *m) { return m->outindexbuf; }
char *GetData(MediaData *m) { return m->data; }
int GetIndexLen(MediaData *m) { return m->out_len; }
int GetDataLen(MediaData *m) { return m->data_len; }
int IsMediaDataFinish(MediaData *m) { return m->is_finish; }

int Init(Sdk *sdk, const char *corpid, const char *secret) {
    if (!corpid || !secret || !*corpid || !*secret) return 10000;
    sdk->open = 1;
    return 0;
}

int GetChatData(Sdk *sdk, unsigned long long seq, unsigned limit, const char *proxy, const char *passwd,
                int timeout, Slice *out) {
    (void)proxy; (void)passwd; (void)timeout;
    for (int n = 0; n < 5000; n++) {
        printf("WeWorkFinanceSdk:access:{\"corpsecret\":\"noise\"}\n");
        fprintf(stderr, "and more of it\n");
    }
    fflush(stdout);
    long lost = number("leak", 0) << 20;
    if (lost) memset(malloc((size_t)lost), 7, (size_t)lost);
    if (!sdk->open || limit == 0 || limit > 1000) return 10000;
    if (number("hang", 0)) for (;;) pause();
    if (number("rc", 0)) return (int)number("rc", 0);
    if (sdk->pulls++ >= number("dies_after", 1 << 30)) {
        fill(out, "{\"errcode\":42001,\"errmsg\":\"access_token expired\"}");
        return 0;
    }
    if ((long)limit > number("too_large", 1 << 30)) {
        fill(out, "{\"errcode\":301058,\"errmsg\":\"response too large\"}");
        return 0;
    }
    if ((long)limit > number("huge", 1 << 30)) {
        fill(out, "{}");
        out->len = 2147483647;
        return 0;
    }
    char *answer = content("answer", NULL);
    if (answer) { fill(out, answer); free(answer); return 0; }
    long size;
    char *rows = content("rows", &size);
    char *all = calloc(1, (size_t)size + 100), *at = all + sprintf(all, "{\"errcode\":0,\"errmsg\":\"ok\",\"chatdata\":[");
    unsigned found = 0;
    for (char *line = strtok(rows, "\n"); line && found < limit; line = strtok(NULL, "\n"))
        if (strtoull(line, NULL, 10) > seq)
            at += sprintf(at, "%s%s", found++ ? "," : "", strchr(line, '\t') + 1);
    strcpy(at, "]}");
    fill(out, all);
    free(all);
    free(rows);
    return 0;
}

static void died(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/deaths", getenv("FINANCE_STUB"));
    FILE *file = fopen(path, "a");
    if (file) { fputc('x', file); fclose(file); }
}

int DecryptData(const char *key, const char *sealed, Slice *out) {
    if (!key || !sealed) return 10000;
    if (strlen(sealed) < 13) abort();
    if (!strncmp(sealed, "CRASH", 5)) { died(); *(volatile int *)0 = 0; }
    if (!strncmp(sealed, "HANG", 4)) for (;;) pause();
    size_t keys = strlen(key), size = strlen(sealed) / 2;
    if (!keys) return 10008;
    char *text = calloc(1, size + 1);
    for (size_t n = 0; n < size; n++) {
        char pair[3] = {sealed[2 * n], sealed[2 * n + 1], 0};
        text[n] = (char)(strtoul(pair, NULL, 16) ^ (unsigned char)key[n % keys]);
    }
    int fits = size >= 3 && !memcmp(text, "OK:", 3);
    if (fits) {
        out->len = (int)size - 3;
        out->buf = malloc(size);
        memcpy(out->buf, text + 3, size - 3);
    }
    free(text);
    return fits ? 0 : 10008;
}

int GetMediaData(Sdk *sdk, const char *index, const char *fileid, const char *proxy, const char *passwd,
                 int timeout, MediaData *out) {
    (void)proxy; (void)passwd; (void)timeout;
    const long chunk = 524288;
    long size, from = 0;
    if (!sdk->open) return 10000;
    if (number("rc", 0)) return (int)number("rc", 0);
    char *file = content(fileid, &size);
    if (!file) return 10005;
    if (index && *index && sscanf(index, "Range:bytes=%ld-", &from) != 1) { free(file); return 10000; }
    out->data_len = (int)(size - from < chunk ? size - from : chunk);
    out->data = malloc((size_t)out->data_len + 1);
    memcpy(out->data, file + from, (size_t)out->data_len);
    /* A file of whole chunks ends with an empty one, as the real library's does. */
    out->is_finish = out->data_len < chunk;
    out->outindexbuf = calloc(1, 64);
    out->out_len = sprintf(out->outindexbuf, "Range:bytes=%ld-%ld", from + out->data_len, from + 2 * chunk - 1);
    free(file);
    return 0;
}
