/* The floor: the least that a server can do for N WebSockets, as a yardstick. Not a server to use.
 *
 * usage: floor PAYLOAD_FILE
 *
 * Answers every handshake with the same bytes, and once a second, on the whole second, calls send()
 * once for each client with one prebuilt frame. Prints its port. Bounded: it ends when its standard
 * input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 20000, SEND_BUFFER = 32 * 1024, EVENTS = 512 };

static int hearing[CLIENTS_MAX], hearing_count;
static char frame[1 << 17];
static size_t frame_size;
static char *stamp;
static const char ANSWER[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void die(const char *what) { perror(what); exit(1); }

static void load_frame(const char *file) {
    FILE *in = fopen(file, "rb");
    if (in == NULL) die(file);
    size_t size = fread(frame + 4, 1, 65535, in);
    fclose(in);
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)(size >> 8);
    frame[3] = (char)size;
    frame_size = size + 4;
    stamp = memmem(frame, frame_size, "\"timestamp\":\"", 13);
    if (stamp == NULL) { fprintf(stderr, "no timestamp in the payload\n"); exit(1); }
    stamp += 13;
}

static void tick(void) {
    struct timespec now;
    struct tm parts;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, sizeof text - size, ".%03ldZ", now.tv_nsec / 1000000);
    memcpy(stamp, text, 24);
    for (int i = 0; i < hearing_count; i++) {
        ssize_t sent = send(hearing[i], frame, frame_size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent != (ssize_t)frame_size) { /* full or gone: the yardstick lets go of it */
            close(hearing[i]);
            hearing[i--] = hearing[--hearing_count];
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 2) { fprintf(stderr, "usage: floor PAYLOAD_FILE\n"); return 2; }
    load_frame(argv[1]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1, buffer = SEND_BUFFER;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t at_size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listening, (struct sockaddr *)&at, sizeof at) < 0 || listen(listening, 4096) < 0) die("listen");
    getsockname(listening, (struct sockaddr *)&at, &at_size);
    int timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), epoll_fd = epoll_create1(0);
    struct itimerspec each = {.it_interval = {1, 0}, .it_value = {time(NULL) + 1, 0}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &each, NULL);
    int watched[] = {listening, timer, STDIN_FILENO};
    for (int i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = watched[i]};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watched[i], &event);
    }
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            char request[4096];
            if (fd == STDIN_FILENO) {
                if (read(fd, request, sizeof request) <= 0) return 0;
            } else if (fd == timer) {
                uint64_t missed;
                if (read(timer, &missed, sizeof missed) > 0) tick();
            } else if (fd == listening) {
                int client;
                while ((client = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                    setsockopt(client, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
                    struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
                    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client, &event);
                }
            } else { /* a whole handshake, on loopback, is one read */
                ssize_t size = recv(fd, request, sizeof request, 0);
                if (size > 4 && !memcmp(request, "GET ", 4) && hearing_count < CLIENTS_MAX) {
                    if (send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) > 0) hearing[hearing_count++] = fd;
                } else if (size == 0 || (size < 0 && errno != EAGAIN)) {
                    for (int k = 0; k < hearing_count; k++)
                        if (hearing[k] == fd) { hearing[k] = hearing[--hearing_count]; break; }
                    close(fd);
                }
            }
        }
    }
}
