// Load for a DNS server on loopback, from one thread that sends every query by itself, as so many clients would.
// usage: load [-t] [-c SOCKETS] [-q OUTSTANDING | -r RATE] [-l SECONDS] [-n] [-k] [-x] [-s SEED] PORT FILE
//   FILE has a `name type` a line, asked in turn.        -t over TCP
//   -q  the next query when one is answered (200)        -r  so many a second, on time, whatever is answered
//   -n  a label of 12 random digits before each name     -k  a random EDNS cookie in each query     -x  random case
// Prints one JSON object, after SECONDS or at SIGTERM. A latency runs from the call that sends to the kernel's own time of arrival (TCP: to the
// read), so a generator that is kept from running does not spoil it; how late it sent at worst is `late_us`.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000L
#define PATIENCE (2 * SECOND)
#define SOCKETS 256
#define MOST 200000000L  // queries of one run
#define INPUT 66000

struct line { uint32_t at; uint16_t size; };  // a question in wire form, in `wire`
struct peer {
    int fd, fill;
    uint16_t next, oldest;  // ids of the next query and of the oldest without a reply
    int64_t sent[65536];    // when, by id; 0: not waiting
    unsigned char *input;   // TCP: what came and is not read yet
};

static unsigned char *wire;
static struct line *lines;
static long line_count, line_next;
static struct peer *peers[SOCKETS];
static struct pollfd ready[SOCKETS];
static int peer_count = 20, tcp, new_names, cookies, mixed_case;
static long sent, answered, lost, waiting, rcodes[16], buckets[64 * 32];
static int64_t slowest, latest;
static uint64_t state = 88172645463325252u;
static volatile sig_atomic_t stopped;
static struct sockaddr_in server = {.sin_family = AF_INET};

static void fail(const char *what) { perror(what), exit(1); }

static void stop(int number) { stopped = number; }

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static uint64_t chance(void) {  // xorshift64
    state ^= state << 13, state ^= state >> 7;
    return state ^= state << 17;
}

static int type_of(const char *text) {
    static const struct { const char *text; int type; } known[] = {{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6},
        {"PTR", 12}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}, {"SRV", 33}, {"HTTPS", 65}};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(text, known[i].text)) return known[i].type;
    return atoi(text);
}

static void read_lines(const char *path) {
    FILE *file = fopen(path, "r");
    char name[256], type[16];
    size_t used = 0, room = 0, most = 0;
    if (!file) fail(path);
    for (; fscanf(file, "%255s %15s", name, type) == 2; line_count++) {
        if (used + 300 > room) wire = realloc(wire, room = room * 2 + 65536);
        if ((size_t)line_count == most) lines = realloc(lines, (most = most * 2 + 4096) * sizeof *lines);
        size_t start = used;
        for (char *label = strtok(name, "."); label; label = strtok(NULL, ".")) {
            size_t size = strlen(label);
            if (size > 63) fprintf(stderr, "label too long: %s\n", label), exit(1);
            wire[used++] = size;
            memcpy(wire + used, label, size), used += size;
        }
        int number = type_of(type);
        memcpy(wire + used, (unsigned char[]){0, number >> 8, number, 0, 1}, 5), used += 5;
        lines[line_count] = (struct line){start, used - start};
    }
    fclose(file);
    if (!line_count) fprintf(stderr, "%s: no questions\n", path), exit(1);
}

// Octets of the next query, put into `m` from its 13th on: the header's first two are the id's.
static int query(unsigned char *m) {
    struct line *l = &lines[line_next];
    if (++line_next == line_count) line_next = 0;
    memcpy(m, "\0\0\1\0\0\1\0\0\0\0\0\0", 12);
    unsigned char *at = m + 12;
    if (new_names) {
        uint64_t number = chance();
        *at++ = 12;
        for (int i = 0; i < 12; i++, number >>= 4) *at++ = "0123456789abcdef"[number & 15];
    }
    memcpy(at, wire + l->at, l->size);
    if (mixed_case) {
        uint64_t flips = chance();
        unsigned char *c = m + 12, *end = at + l->size - 5;
        for (int bit = 0; c < end; c++, bit++)
            if ((*c | 32) >= 'a' && (*c | 32) <= 'z' && flips >> (bit & 63) & 1) *c ^= 32;
    }
    at += l->size;
    if (cookies) {  // RFC 7873: option 10, eight octets of the client
        uint64_t cookie = chance();
        m[11] = 1;
        memcpy(at, "\0\0\51\4\320\0\0\0\0\0\14\0\12\0\10", 15), memcpy(at + 15, &cookie, 8), at += 23;
    }
    return at - m;
}

static void open_peer(int i) {
    struct peer *p = peers[i];
    int one = 1, size = 1 << 20;
    p->fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0), p->fill = 0;
    if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&server, sizeof server)) fail("connect");
    if (tcp) setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    else setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    ready[i] = (struct pollfd){p->fd, POLLIN, 0};
}

static void ask(struct peer *p) {
    unsigned char m[2 + 600];
    if (p->sent[p->next]) return;  // 65 536 without a reply: `expire` will free it
    int size = query(m + 2);
    m[0] = size >> 8, m[1] = size, m[2] = p->next >> 8, m[3] = p->next;
    p->sent[p->next++] = now();
    send(p->fd, tcp ? m : m + 2, tcp ? size + 2 : size, MSG_NOSIGNAL);  // what the kernel refuses will be lost
    sent++, waiting++;
}

static int reply(struct peer *p, const unsigned char *m, int size, int64_t when) {
    int id = m[0] << 8 | m[1];
    if (size < 12 || !(m[2] & 0x80) || !p->sent[id]) return 0;
    int64_t took = when - p->sent[id];
    if (took < 1) took = 1;
    if (took > slowest) slowest = took;
    uint64_t v = took | 32;
    int octave = 63 - __builtin_clzll(v);
    buckets[octave << 5 | (v >> (octave - 5) & 31)]++;
    p->sent[id] = 0, rcodes[m[3] & 15]++, answered++, waiting--;
    return 1;
}

static int receive_datagram(struct peer *p) {  // replies read: 0 or 1; -1 at the end
    static unsigned char m[65536];
    char control[64];
    struct iovec iov = {m, sizeof m};
    struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int size = recvmsg(p->fd, &head, MSG_DONTWAIT);
    if (size < 0) return errno == ECONNREFUSED ? 0 : -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    struct timespec t;
    if (c && c->cmsg_type == SCM_TIMESTAMPNS) memcpy(&t, CMSG_DATA(c), sizeof t);
    else clock_gettime(CLOCK_REALTIME, &t);
    return reply(p, m, size, t.tv_sec * SECOND + t.tv_nsec);
}

static int receive_stream(int i) {  // replies read; -1 when there is nothing more
    struct peer *p = peers[i];
    int size = recv(p->fd, p->input + p->fill, INPUT - p->fill, MSG_DONTWAIT), at = 0, found = 0;
    if (size < 0 && errno == EAGAIN) return -1;
    if (size <= 0) {  // closed by the server: what was asked is lost
        close(p->fd), open_peer(i);
        return -1;
    }
    int64_t when = now();
    for (p->fill += size; p->fill - at >= 2;) {
        int length = p->input[at] << 8 | p->input[at + 1];
        if (p->fill - at - 2 < length) break;
        found += reply(p, p->input + at + 2, length, when), at += length + 2;
    }
    memmove(p->input, p->input + at, p->fill -= at);
    return found;
}

static int expire(struct peer *p, int64_t before) {  // queries given up
    int found = 0;
    for (; p->oldest != p->next || p->sent[p->oldest]; p->oldest++) {
        int64_t when = p->sent[p->oldest];
        if (when > before) break;
        if (when) p->sent[p->oldest] = 0, lost++, waiting--, found++;
    }
    return found;
}

static int64_t quantile(double share) {
    long left = answered * share;
    for (int i = 0; i < 64 * 32; i++)
        if ((left -= buckets[i]) < 0) return ((2L * (32 + (i & 31)) + 1) << (i >> 5)) >> 6;
    return slowest;
}

int main(int argc, char **argv) {
    double rate = 0, seconds = 3;
    long outstanding = 200;
    for (int option; (option = getopt(argc, argv, "tc:q:r:l:nkxs:")) != -1;) switch (option) {
        case 't': tcp = 1; break;
        case 'c': peer_count = atoi(optarg); break;
        case 'q': outstanding = atol(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'l': seconds = atof(optarg); break;
        case 'n': new_names = 1; break;
        case 'k': cookies = 1; break;
        case 'x': mixed_case = 1; break;
        case 's': state ^= (uint64_t)atol(optarg) * 0x9e3779b97f4a7c15u; break;
        default: return 2;
    }
    if (argc - optind != 2 || peer_count < 1 || peer_count > SOCKETS || outstanding < 1 || outstanding > 60000 ||
        seconds <= 0 || seconds > 86400 || rate < 0)
        return fprintf(stderr, "usage: load [options] PORT FILE (options: see load.c)\n"), 2;
    server.sin_port = htons(atoi(argv[optind])), server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    read_lines(argv[optind + 1]);
    prctl(PR_SET_TIMERSLACK, 1);
    signal(SIGTERM, stop);
    for (int i = 0; i < peer_count; i++) {
        peers[i] = calloc(1, sizeof *peers[i]);
        peers[i]->input = malloc(INPUT);
        open_peer(i);
    }
    int64_t start = now(), end = start + seconds * SECOND, swept = start, t = start;
    double step = rate ? SECOND / rate : 0, due = start;
    int turn = 0;
    if (!rate)
        for (; waiting < outstanding; turn++) ask(peers[turn % peer_count]);
    for (;;) {
        t = now();
        if (stopped && t < end) end = t;
        if (t >= end && (!waiting || t > end + PATIENCE)) break;
        int asking = t < end && sent < MOST;
        for (; rate && asking && due <= t; due += step) {
            if (t - (int64_t)due > latest) latest = t - (int64_t)due;
            ask(peers[turn++ % peer_count]);
        }
        int64_t wait = (rate && asking ? (int64_t)due : t + SECOND / 10) - t;
        if (wait > SECOND / 10) wait = SECOND / 10;
        if (ppoll(ready, peer_count, &(struct timespec){0, wait > 0 ? wait : 0}, NULL) > 0)
            for (int i = 0; i < peer_count; i++)
                if (ready[i].revents)
                    for (int n, most = 64; most-- && (n = tcp ? receive_stream(i) : receive_datagram(peers[i])) >= 0;)
                        while (!rate && asking && n-- > 0) ask(peers[i]);
        if (t - swept > SECOND / 10)
            for (int i = (swept = t, 0); i < peer_count; i++)
                for (int n = expire(peers[i], t - PATIENCE); !rate && asking && n-- > 0;) ask(peers[i]);
    }
    printf("{\"seconds\": %.3f, \"sent\": %ld, \"answered\": %ld, \"lost\": %ld, \"late_us\": %.1f, \"p50_us\": %.1f, "
           "\"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"rcodes\": {",
        (end - start) / 1e9, sent, answered, lost + waiting, latest / 1e3, quantile(.5) / 1e3, quantile(.9) / 1e3,
        quantile(.99) / 1e3, slowest / 1e3);
    for (int i = 0, first = 1; i < 16; i++)
        if (rcodes[i]) printf("%s\"%d\": %ld", first ? "" : ", ", i, rcodes[i]), first = 0;
    printf("}}\n");
    return 0;
}
