// An upstream that costs next to nothing: every question gets one address record with a TTL of 300. Behind a name with the
// label `alias` stand two aliases and two addresses; one with the label `nothing` does not exist.
// usage: upstream PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SLOT 1024

static unsigned char data[BATCH][SLOT];
static struct sockaddr_in names[BATCH];
static struct iovec iov[BATCH];
static struct mmsghdr head[BATCH];

enum { A = 1, CNAME = 5, SOA = 6 };

// The offset behind a record that is put at `at`, its owner a pointer to `owner`.
static int put(unsigned char *m, int at, int owner, int type, const void *rdata, int size) {
    const unsigned char fixed[] = {0xc0 | owner >> 8, owner, 0, type, 0, 1, 0, 0, 1, 44, 0, size};
    memcpy(m + at, fixed, sizeof fixed);
    memcpy(m + at + sizeof fixed, rdata, size);
    return at + sizeof fixed + size;
}

static int aliases(unsigned char *m, int at) {
    int first = at + 12, second;
    at = put(m, at, 12, CNAME, "\3web\7traffic\4test", 18);
    const unsigned char edge[] = {4, 'e', 'd', 'g', 'e', 0xc0 | (first + 4) >> 8, first + 4};
    second = at + 12;
    at = put(m, at, first, CNAME, edge, sizeof edge);
    at = put(m, at, second, A, "\xc0\0\2\1", 4);
    return put(m, at, second, A, "\xc0\0\2\2", 4);
}

// Octets of the reply that a query of `size` octets becomes in place; 0 if it is none.
static int answer(unsigned char *m, int size) {
    int at = 12, alias = 0, nothing = 0;
    while (at < size && m[at]) {
        alias |= !memcmp(m + at, "\5alias", 6);
        nothing |= !memcmp(m + at, "\7nothing", 8);
        at += m[at] + 1;
    }
    at += 5;
    if (at > size || at + 128 > SLOT) return 0;
    m[2] = 0x81, m[3] = 0x80 | (nothing ? 3 : 0);
    memset(m + 6, 0, 6);
    m[7] = alias ? 4 : !nothing, m[9] = nothing;
    static const char soa[] = "\2ns\4test\0\5admin\4test\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";
    if (nothing) return put(m, at, 13 + m[12], SOA, soa, sizeof soa - 1);
    return alias ? aliases(m, at) : put(m, at, 12, A, "\xc0\0\2\1", 4);
}

int main(int argc, char **argv) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 5399)};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0) {
        perror("bind");
        return 1;
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){data[i], SLOT};
            head[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_namelen = sizeof names[i], .msg_iov = &iov[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(fd, head, BATCH, MSG_WAITFORONE, NULL), k = 0;
        for (int i = 0; i < n; i++)
            if ((iov[i].iov_len = answer(data[i], head[i].msg_len))) head[k++] = head[i];
        for (int sent = 0; sent < k;) {
            int done = sendmmsg(fd, head + sent, k - sent, 0);
            sent += done > 0 ? done : 1;
        }
    }
}
