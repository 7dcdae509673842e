/* A machine without a network: loaded before the C library, it writes down who is asked for, and refuses.

   NO_NETWORK_TOLD  the file that gets a line for each. This machine itself may be asked. Python's sockets come by here,
   and so do those of libraries in C (GDAL's curl), which no hook of Python's sees. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEXT(name) static __typeof__(name) *next; if (next == NULL) next = dlsym(RTLD_NEXT, #name)

static void tell(const char *how, const char *who)
{
    const char *path = getenv("NO_NETWORK_TOLD");
    char line[512];
    int length, file;
    length = snprintf(line, sizeof line, "%s %.400s\n", how, who);
    if (path == NULL || (file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600)) < 0 || write(file, line, length) < 0)
        abort();
    close(file);
}

static int is_here(const char *name)
{
    struct in_addr four;
    struct in6_addr six;
    if (name == NULL || *name == 0 || strcmp(name, "localhost") == 0)
        return 1;
    if (inet_pton(AF_INET, name, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127 || four.s_addr == INADDR_ANY;
    if (inet_pton(AF_INET6, name, &six) != 1)
        return 0;
    return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six) ||
           (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

static int leaves(const char *how, const struct sockaddr *to)
{
    char name[INET6_ADDRSTRLEN] = "";
    if (to == NULL)
        return 0;
    if (to->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)to)->sin_addr, name, sizeof name);
    if (to->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)to)->sin6_addr, name, sizeof name);
    if (is_here(name))
        return 0;
    tell(how, name);
    errno = ENETUNREACH;
    return 1;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    NEXT(getaddrinfo);
    if (is_here(node))
        return next(node, service, hints, found);
    tell("getaddrinfo", node);
    return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name)
{
    NEXT(gethostbyname);
    if (is_here(name))
        return next(name);
    tell("gethostbyname", name);
    h_errno = NO_RECOVERY;
    return NULL;
}

int connect(int socket, const struct sockaddr *to, socklen_t length)
{
    NEXT(connect);
    return leaves("connect", to) ? -1 : next(socket, to, length);
}

ssize_t sendto(int socket, const void *from, size_t bytes, int flags, const struct sockaddr *to, socklen_t length)
{
    NEXT(sendto);
    return leaves("sendto", to) ? -1 : next(socket, from, bytes, flags, to, length);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    return leaves("sendmsg", message->msg_name) ? -1 : next(socket, message, flags);
}
