/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP to one host, on libcurl. */
#include "tools/socle/http.h"

#include <string.h>

#include "tools/socle/cli.h"

#define CONNECT_TIMEOUT_S 20L
#define QUIET_TIMEOUT_S   60L /* without a byte either way, outside streams */
#define SETTLE_TIMEOUT_S \
    600L /* the same of an upload: the host may have work behind its last byte */

struct http {
    CURL *curl;
    const struct host *host;
    struct curl_slist *headers;
    struct http_reply *reply;
    const struct http_request *request;
    struct http_request current; /* a copy: what `request` points to */
    bool is_too_big, sink_ended;
    char error[CURL_ERROR_SIZE];
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct http *http = context;
    size_t len = size * count;
    long status = 0;

    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (http->request->sink && status == 200) {
        http->sink_ended = !http->request->sink(http->request->context, data, len);
        return http->sink_ended ? 0 : len;
    }
    if (http->reply->body.len + len > HTTP_BODY_MAX) {
        http->is_too_big = true;
        return 0;
    }
    buffer_add(&http->reply->body, data, len);
    return len;
}

static size_t give_body(char *data, size_t size, size_t count, void *context)
{
    struct http *http = context;
    long len = http->request->source(http->request->context, data, size * count);

    return len < 0 ? CURL_READFUNC_ABORT : (size_t)len;
}

/* What every exchange has: only these protocols, no redirects, nothing before the key is right. */
static void set_common(CURL *curl, const char *url, char *error)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "socle");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    /* The certificate is the host's own: its key is what counts. */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void add_header(struct http *http, const char *name, const char *value)
{
    char *line = mem_text("%s: %s", name, value);

    http->headers = curl_slist_append(http->headers, line);
    free(line);
}

static void set_headers(struct http *http)
{
    curl_slist_free_all(http->headers);
    http->headers = NULL;
    curl_easy_setopt(http->curl, CURLOPT_USERPWD, http->request->basic);
    if (http->host->token[0] && !http->request->basic) {
        char *value = mem_text("Bearer %s", http->host->token);

        add_header(http, "Authorization", value);
        free(value);
    }
    if (http->request->accept)
        add_header(http, "Accept", http->request->accept);
    if (http->request->content_type)
        add_header(http, "Content-Type", http->request->content_type);
    if (http->request->can_resume)
        add_header(http, "Upload-Complete", "?1");
    if (http->request->has_offset) {
        char offset[24];

        snprintf(offset, sizeof(offset), "%llu", (unsigned long long)http->request->offset);
        add_header(http, "Upload-Offset", offset);
    }
    if (http->request->range_len) {
        char *range =
            mem_text("bytes=%llu-%llu", (unsigned long long)http->request->range_at,
                     (unsigned long long)(http->request->range_at + http->request->range_len - 1));

        add_header(http, "Range", range);
        free(range);
    }
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
}

static void set_upload(struct http *http)
{
    const struct http_request *request = http->request;

    if (request->source) {
        curl_easy_setopt(http->curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(http->curl, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(http->curl, CURLOPT_READDATA, http);
        curl_easy_setopt(http->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->source_bytes);
    } else if (request->body ||
               (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)) {
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(http->curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_time_limits(struct http *http)
{
    if (http->request->sink)
        return;
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME,
                     http->request->source ? SETTLE_TIMEOUT_S : QUIET_TIMEOUT_S);
}

struct http *http_open(const struct host *host)
{
    struct http *http = mem_resize(NULL, sizeof(*http));

    memset(http, 0, sizeof(*http));
    http->host = host;
    http->curl = curl_easy_init();
    return http;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    free(http);
}

CURL *http_begin(struct http *http, const struct http_request *request, struct http_reply *reply)
{
    char *url = mem_text("%s%s", http->host->url, request->path);

    memset(reply, 0, sizeof(*reply));
    buffer_add(&reply->body, "", 0);
    http->current = *request;
    http->request = &http->current;
    http->reply = reply;
    http->is_too_big = http->sink_ended = false;
    http->error[0] = '\0';
    curl_easy_reset(http->curl);
    set_common(http->curl, url, http->error);
    if (http->host->pin[0])
        curl_easy_setopt(http->curl, CURLOPT_PINNEDPUBLICKEY, http->host->pin);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
    set_upload(http);
    set_headers(http);
    set_time_limits(http);
    free(url);
    return http->curl;
}

/* What to look at, behind what libcurl says. */
static const char *advice(const struct http *http, CURLcode code)
{
    bool is_https = strncmp(http->host->url, "https:", 6) == 0;

    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
        return ".\nIs the host up, and are these the address and port on its console?";
    case CURLE_COULDNT_RESOLVE_HOST:
        return ".\nUse the address on the host's console.";
    case CURLE_SSL_CONNECT_ERROR:
        return is_https ? ".\nSomething else than HTTPS is at that port." : "";
    case CURLE_GOT_NOTHING:
        return is_https ? "" : ".\nHosts speak HTTPS: try https://.";
    default:
        return "";
    }
}

static enum outcome explain(const struct http *http, CURLcode code)
{
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        return say(NOT_REACHED,
                   "%s has another key than the one that was accepted: it has restarted, has been "
                   "given a certificate, or somebody is in between.\n"
                   "Compare its console with what \"socle connect %s\" shows.",
                   http->host->url, http->host->url);
    return say(NOT_REACHED, "cannot reach %s: %s%s", http->host->url,
               http->error[0] ? http->error : curl_easy_strerror(code), advice(http, code));
}

static const char *header_of(const struct http *http, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(http->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
               ? header->value
               : NULL;
}

/* What the host says of an upload. */
static void take_offset(const struct http *http, struct http_reply *reply)
{
    const char *offset = header_of(http, "Upload-Offset");
    const char *complete = header_of(http, "Upload-Complete");

    reply->has_offset = offset != NULL;
    reply->upload_offset = offset ? strtoull(offset, NULL, 10) : 0;
    reply->is_complete = complete && strcmp(complete, "?1") == 0;
}

enum outcome http_end(struct http *http, CURLcode code, struct http_reply *reply)
{
    const char *type = NULL, *accepted;

    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &type);
    snprintf(reply->content_type, sizeof(reply->content_type), "%s", type ? type : "");
    accepted = header_of(http, "X-Accepted-Bytes");
    if (accepted)
        reply->accepted_bytes = strtoull(accepted, NULL, 10);
    take_offset(http, reply);
    if (http->is_too_big)
        return say(NOT_REACHED, "the answer of %s has no end: more than %u MiB", http->host->url,
                   HTTP_BODY_MAX >> 20);
    if (code == CURLE_OK || http->sink_ended)
        return DONE;
    if (reply->status >= 400 && reply->body.len > 0)
        return DONE; /* a refusal that came before the upload's end */
    reply->is_broken = code != CURLE_SSL_PINNEDPUBKEYNOTMATCH && code != CURLE_ABORTED_BY_CALLBACK;
    return reply->is_broken && http->request->is_quiet ? NOT_REACHED : explain(http, code);
}

enum outcome http_do(struct http *http, const struct http_request *request,
                     struct http_reply *reply)
{
    CURL *curl = http_begin(http, request, reply);

    return http_end(http, curl_easy_perform(curl), reply);
}

const char *http_error(const struct http *http)
{
    return http->error[0] ? http->error : "the connection ended";
}

void http_release(struct http_reply *reply)
{
    free(reply->body.data);
    memset(reply, 0, sizeof(*reply));
}

/* The server's own certificate is the first of the chain. */
static char *first_certificate(CURL *curl)
{
    const struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1)
        return NULL;
    for (const struct curl_slist *line = info->certinfo[0]; line; line = line->next) {
        if (strncmp(line->data, "Cert:", 5) == 0)
            return mem_text("%s", line->data + 5);
    }
    return NULL;
}

enum outcome http_introduce(const char *url, char **pem, struct http_reply *reply)
{
    struct host stranger = {0};
    struct http *http;
    enum outcome outcome;
    CURL *curl;

    snprintf(stranger.url, sizeof(stranger.url), "%s", url);
    http = http_open(&stranger);
    curl = http_begin(http, &(struct http_request){.method = "GET", .path = "/api/v1/"}, reply);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    outcome = http_end(http, curl_easy_perform(curl), reply);
    *pem = outcome == DONE ? first_certificate(curl) : NULL;
    http_close(http);
    return outcome;
}
