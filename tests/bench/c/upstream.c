// An upstream that costs next to nothing: every question gets one address record with a TTL of 300.
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

// Octets of the reply that a query of `size` octets becomes in place; 0 if it is none.
static int answer(unsigned char *m, int size) {
    static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
    int at = 12;
    while (at < size && m[at]) at += m[at] + 1;
    at += 5;
    if (at > size || at + (int)sizeof record > SLOT) return 0;
    m[2] = 0x81, m[3] = 0x80;
    memset(m + 6, 0, 6);
    m[7] = 1;
    memcpy(m + at, record, sizeof record);
    return at + sizeof record;
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
