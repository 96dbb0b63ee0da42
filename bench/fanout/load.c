/* N WebSocket clients in one thread: connects them, listens, and says when every message came.
 *
 * usage: load PORT CLIENTS TICKS PATH plain|deflate|socketio
 *
 * Prints one line for each event, so that whoever started it can read the server's clocks then:
 *   connected {"seconds": S}
 *   begin
 *   end
 *   result {...}
 * The window between begin and end holds TICKS whole seconds and starts half way between two.
 * A message's delay is its arrival less the whole second that it belongs to (milliseconds): every
 * server here ticks on whole seconds, and one that comes late to its own tick must not hide that by
 * a late timestamp. The second is that of the server's timestamp; of a compressed message, which is
 * not read here, that of its arrival.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_FLIGHT_MAX = 256, HEAD_MAX = 1024, PEEK = 160, TICKS_MAX = 256, EVENTS = 512 };
enum mode { PLAIN, DEFLATE, SOCKETIO };

struct client {
    int fd;
    uint8_t state; /* 0 connecting, 1 handshake sent, 2 waits for its namespace, 3 open, 4 gone */
    uint8_t head_size, opcode;
    uint8_t head[10];
    uint16_t peeked;
    uint64_t left, size;
    int64_t last_ms;
    char peek[PEEK]; /* the answer to the handshake is read into `start` below */
    char *start;
    uint16_t start_size;
};

struct tick { int64_t stamp_ms; uint32_t count; double first_ms, last_ms; };

static struct client *clients;
static int client_count, open_count, gone_count, epoll_fd, port;
static enum mode mode;
static const char *path;
static bool is_measuring;
static struct tick ticks[TICKS_MAX];
static int tick_count;
static float *delays_ms;
static size_t delay_count, delay_room;
static uint64_t message_count, byte_count, duplicate_count, short_count;
static char buffer[1 << 16];

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void die(const char *what) { perror(what); exit(1); }

static void gone(struct client *c) {
    if (c->state == 4) return;
    if (c->state == 3) open_count--;
    c->state = 4;
    gone_count++;
    close(c->fd);
}

static void say(struct client *c, int opcode, const char *text, size_t size) {
    unsigned char frame[140] = {0x80 | opcode, 0x80 | size, 0, 0, 0, 0};
    memcpy(frame + 6, text, size); /* the mask is zero */
    if (send(c->fd, frame, 6 + size, MSG_NOSIGNAL) < 0) gone(c);
}

/* The server's timestamp in a message, as Unix milliseconds; -1 when it has none. */
static int64_t stamp_of(const char *text, size_t size) {
    static char known[24];
    static int64_t known_ms;
    const char *key = memmem(text, size, "\"timestamp\":", 12);
    if (key == NULL) return -1;
    for (key += 12; key < text + size && (*key == ' ' || *key == '"');) key++;
    if (key + sizeof known > text + size) return -1;
    if (memcmp(key, known, sizeof known) == 0) return known_ms; /* nearly always */
    struct tm parts = {0};
    int ms;
    if (sscanf(key, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &ms) != 7) return -1;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    memcpy(known, key, sizeof known);
    return known_ms = timegm(&parts) * 1000LL + ms;
}

/* The whole second that a time belongs to, which may be a few milliseconds early. */
static int64_t second_of(double time_ms) { return (int64_t)((time_ms + 50) / 1000) * 1000; }

static struct tick *tick_at(int64_t stamp_ms) {
    for (int i = tick_count - 1; i >= 0; i--)
        if (ticks[i].stamp_ms == stamp_ms) return &ticks[i];
    if (tick_count == TICKS_MAX) return NULL;
    ticks[tick_count] = (struct tick){.stamp_ms = stamp_ms};
    return &ticks[tick_count++];
}

static void message(struct client *c) {
    double now = now_ms();
    int64_t stamp_ms;
    if (c->opcode == 9) { say(c, 10, c->peek, c->peeked < 126 ? c->peeked : 0); return; }
    if (c->opcode == 8) { gone(c); return; }
    if (mode == SOCKETIO && c->peeked && c->peek[0] == '2') { say(c, 1, "3", 1); return; }
    if (c->state == 2) {
        if (c->peek[0] == '0') say(c, 1, "40", 2);
        else if (c->peeked > 1 && c->peek[0] == '4' && c->peek[1] == '0') { c->state = 3; open_count++; }
        return;
    }
    if (mode == DEFLATE && (c->head[0] & 0x40)) stamp_ms = second_of(now);
    else if (memmem(c->peek, c->peeked, "equipment_status", 16) == NULL) return;
    else stamp_ms = stamp_of(c->peek, c->peeked);
    if (stamp_ms < 0) { short_count++; return; }
    if (!is_measuring) { c->last_ms = stamp_ms; return; }
    if (stamp_ms <= c->last_ms) duplicate_count++;
    c->last_ms = stamp_ms;
    double delay_ms = now - second_of(stamp_ms);
    struct tick *t = tick_at(stamp_ms);
    if (t != NULL) {
        if (t->count++ == 0) t->first_ms = delay_ms;
        t->last_ms = delay_ms;
    }
    if (delay_count < delay_room) delays_ms[delay_count++] = delay_ms;
    message_count++;
    byte_count += c->size + c->head_size;
}

static int head_needs(const struct client *c) {
    if (c->head_size < 2) return 2;
    int length = c->head[1] & 0x7f;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static void frames(struct client *c, const char *data, size_t size) {
    while (size > 0 && c->state != 4) {
        if (c->left == 0 && (c->head_size == 0 || c->head_size < head_needs(c))) {
            c->head[c->head_size++] = *data++;
            size--;
            if (c->head_size < head_needs(c) || c->head_size < 2) continue;
            uint64_t length = c->head[1] & 0x7f;
            if (length >= 126) {
                int from = 2, to = head_needs(c);
                for (length = 0; from < to; from++) length = length << 8 | c->head[from];
            }
            c->opcode = c->head[0] & 15;
            c->left = c->size = length;
            c->peeked = 0;
            if (length > 0) continue;
        }
        size_t take = size < c->left ? size : c->left;
        size_t room = PEEK - c->peeked, keep = room < take ? room : take;
        memcpy(c->peek + c->peeked, data, keep);
        c->peeked += keep;
        c->left -= take;
        data += take;
        size -= take;
        if (c->left == 0) { message(c); c->head_size = 0; }
    }
}

static void handshake(struct client *c) {
    char text[HEAD_MAX];
    int size = snprintf(text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port,
        mode == DEFLATE ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
    if (send(c->fd, text, size, MSG_NOSIGNAL) != size) { gone(c); return; }
    c->state = 1;
    c->start = malloc(HEAD_MAX);
    c->start_size = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void answered(struct client *c, const char *data, ssize_t size) {
    size_t keep = (size_t)size < HEAD_MAX - (size_t)c->start_size ? (size_t)size : HEAD_MAX - (size_t)c->start_size;
    memcpy(c->start + c->start_size, data, keep);
    size_t before = c->start_size;
    c->start_size += keep;
    char *end = memmem(c->start, c->start_size, "\r\n\r\n", 4);
    if (end == NULL) return;
    if (memmem(c->start, end - c->start, " 101 ", 5) == NULL) {
        fprintf(stderr, "refused: %.*s\n", (int)c->start_size, c->start);
        exit(1);
    }
    size_t used = end + 4 - c->start - before;
    free(c->start);
    c->start = NULL;
    if (mode == SOCKETIO) c->state = 2;
    else { c->state = 3; open_count++; }
    frames(c, data + used, size - used);
}

static void ready(struct client *c) {
    if (c->state == 0) { handshake(c); return; }
    if (c->state == 4) return;
    ssize_t size = recv(c->fd, buffer, sizeof buffer, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN)) gone(c);
    else if (size > 0 && c->state == 1) answered(c, buffer, size);
    else if (size > 0) frames(c, buffer, size);
}

static void await(double until_ms) {
    struct epoll_event events[EVENTS];
    int wait_ms = (int)(until_ms - now_ms());
    int count = epoll_wait(epoll_fd, events, EVENTS, wait_ms < 0 ? 0 : wait_ms > 100 ? 100 : wait_ms);
    for (int i = 0; i < count; i++) ready(events[i].data.ptr);
}

static void begin_connection(struct client *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    int yes = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("connect");
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 6) { fprintf(stderr, "usage: load PORT CLIENTS TICKS PATH MODE\n"); return 2; }
    port = atoi(argv[1]);
    client_count = atoi(argv[2]);
    int ticks_wanted = atoi(argv[3]);
    path = argv[4];
    mode = !strcmp(argv[5], "deflate") ? DEFLATE : !strcmp(argv[5], "socketio") ? SOCKETIO : PLAIN;
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    clients = calloc(client_count, sizeof *clients);
    delay_room = (size_t)client_count * (ticks_wanted + 4);
    delays_ms = malloc(delay_room * sizeof *delays_ms);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    double started_ms = now_ms();
    for (int begun = 0; open_count + gone_count < client_count;) {
        while (begun < client_count && begun - open_count - gone_count < IN_FLIGHT_MAX)
            begin_connection(&clients[begun++]);
        await(now_ms() + 100);
        if (now_ms() - started_ms > 60000) { fprintf(stderr, "not all connected in 60 s\n"); return 1; }
    }
    printf("connected {\"seconds\": %.3f, \"gone\": %d}\n", (now_ms() - started_ms) / 1e3, gone_count);

    double begin_ms = ((int64_t)(now_ms() / 1000) + 2) * 1000.0 + 500; /* at least one tick unmeasured */
    while (now_ms() < begin_ms) await(begin_ms);
    printf("begin\n");
    is_measuring = true;
    double end_ms = begin_ms + ticks_wanted * 1000.0;
    while (now_ms() < end_ms) await(end_ms);
    is_measuring = false;
    printf("end\n");

    qsort(delays_ms, delay_count, sizeof *delays_ms, by_size);
    printf("result {\"messages\": %lu, \"bytes\": %lu, \"duplicates\": %lu, \"unreadable\": %lu, \"gone\": %d, "
           "\"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, \"ticks\": [",
           message_count, byte_count, duplicate_count, short_count, gone_count,
           delay_count ? delays_ms[delay_count / 2] : 0.0, delay_count ? delays_ms[delay_count * 99 / 100] : 0.0,
           delay_count ? delays_ms[delay_count - 1] : 0.0);
    for (int i = 0; i < tick_count; i++)
        printf("%s[%ld, %u, %.2f, %.2f]", i ? ", " : "", ticks[i].stamp_ms, ticks[i].count,
               ticks[i].first_ms, ticks[i].last_ms);
    printf("]}\n");
    return 0;
}
