// What the kernel alone costs per query: recvmmsg, set QR, sendmmsg, on a wildcard address with packet info.
// usage: echo PORT [6]      with 6 on a dual-stack IPv6 socket; see hits.py
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SLOT 4160
#define CONTROL 64

static char data[BATCH][SLOT];
static char control[BATCH][CONTROL];
static struct sockaddr_in6 names[BATCH];
static struct iovec iov[BATCH];
static struct mmsghdr head[BATCH];

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5301, six = argc > 2 && argv[2][0] == '6', one = 1;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (six) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one);
    else setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
    if (bind(fd, six ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4, six ? sizeof a6 : sizeof a4) < 0) {
        perror("bind");
        return 1;
    }
    int ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    for (int i = 0; i < BATCH; i++)
        head[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_iov = &iov[i], .msg_iovlen = 1, .msg_control = control[i]};
    for (;;) {
        epoll_wait(ep, &ev, 1, -1);
        for (int i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){data[i], 4096};
            head[i].msg_hdr.msg_namelen = six ? sizeof a6 : sizeof a4;
            head[i].msg_hdr.msg_controllen = six ? 40 : 32;
        }
        int n = recvmmsg(fd, head, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            iov[i].iov_len = head[i].msg_len;
            data[i][2] |= 0x80;
            struct cmsghdr *c = CMSG_FIRSTHDR(&head[i].msg_hdr);
            if (c && !six) ((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
            else if (c) ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
        }
        for (int sent = 0; sent < n;) {
            int k = sendmmsg(fd, head + sent, n - sent, MSG_DONTWAIT);
            sent += k > 0 ? k : 1;
        }
    }
}
