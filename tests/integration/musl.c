/* What a program on Alpine does to resolve a name: getaddrinfo, or getnameinfo for an address. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static int addresses(int family, const char *name)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM }, *found, *each;
	int error = getaddrinfo(name, 0, &hints, &found);
	if (error) return puts(gai_strerror(error)), 1;
	for (each = found; each; each = each->ai_next) {
		char text[NI_MAXHOST];
		getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
		puts(text);
	}
	return 0;
}

static int name(const char *address)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	char text[NI_MAXHOST];
	inet_pton(AF_INET, address, &at.sin_addr);
	int error = getnameinfo((void *)&at, sizeof at, text, sizeof text, 0, 0, NI_NAMEREQD);
	puts(error ? gai_strerror(error) : text);
	return error != 0;
}

int main(int count, char **words)
{
	if (count != 3) return 2;
	if (!strcmp(words[1], "name")) return name(words[2]);
	return addresses(*words[1] == '4' ? AF_INET : *words[1] == '6' ? AF_INET6 : AF_UNSPEC, words[2]);
}
