/* The server for what nginx can't do: it takes an upload to its end before it
   answers, and keeps a crowd waiting until all of them are there.

   PUT /sink/N   answers 200 if the body, in chunks, has N bytes, else 400
   POST /form/N  the same of a form with a file of N bytes, its length told
   GET /slow/N   sends half of 1 KiB at once, and the other half to everybody
                 when N of them wait

   Prints its port, and runs until it is killed. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HALF 512
/* What a form has besides its file, at most. */
#define FRAME 1024
#define PLACES 65536
/* Each keeps 4096 at most who were not accepted yet; whoever finds no room asks
   again after a second. */
#define LISTENERS 4

/* Where in a request a connection is: its headers; a body's chunk, the line
   that ends it and gives the next one's size, and what follows the last; or a
   body of known length. */
enum state { HEAD, DATA, LINE, LAST, WHOLE };

struct connection {
  enum state state;
  /* Of the headers or of a line, as much as has come. */
  char text[1024];
  size_t length;
  /* Of the chunk or body. */
  size_t left;
  size_t total;
  size_t wanted;
  int waits;
};

/* By file descriptor. */
static struct connection *connections[PLACES];
static int waiting;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void drop(int fd) {
  waiting -= connections[fd]->waits;
  free(connections[fd]);
  connections[fd] = NULL;
  close(fd);
}

/* So little always fits. */
static void say(int fd, const char *data, size_t length) {
  if (send(fd, data, length, MSG_NOSIGNAL) != (ssize_t)length)
    shutdown(fd, SHUT_RDWR);
}

static void say_text(int fd, const char *text) { say(fd, text, strlen(text)); }

static void keep_waiting(int fd, int crowd) {
  static const char half[HALF];
  say_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n");
  say(fd, half, HALF);
  connections[fd]->waits = 1;
  if (++waiting < crowd)
    return;
  for (int each = 0; each < PLACES; each++)
    if (connections[each] != NULL && connections[each]->waits) {
      connections[each]->waits = 0;
      say(each, half, HALF);
    }
  waiting = 0;
}

static void begin_form(int fd, struct connection *c) {
  const char *length = strcasestr(c->text, "\r\nContent-Length: ");
  if (strcasestr(c->text, "\r\nExpect: 100-continue\r\n") != NULL)
    say_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
  c->left = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
  c->total = c->left;
  if (c->total > c->wanted && c->total < c->wanted + FRAME)
    c->wanted = c->total;
  c->state = WHOLE;
}

static void begin(int fd, struct connection *c) {
  c->length = 0;
  if (sscanf(c->text, "POST /form/%zu ", &c->wanted) == 1)
    begin_form(fd, c);
  else if (sscanf(c->text, "PUT /sink/%zu ", &c->wanted) == 1) {
    if (strcasestr(c->text, "\r\nExpect: 100-continue\r\n") != NULL)
      say_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    c->state = LINE;
    c->total = 0;
  } else if (sscanf(c->text, "GET /slow/%zu ", &c->wanted) == 1)
    keep_waiting(fd, (int)c->wanted);
  else
    say_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void end(int fd, struct connection *c) {
  int whole = c->total == c->wanted;
  say_text(fd, whole ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                     : "HTTP/1.1 400 Short\r\nContent-Length: 0\r\n\r\n");
  c->state = HEAD;
  c->length = 0;
}

/* A byte of the headers or of a line between the chunks. */
static void take(int fd, struct connection *c, char byte) {
  char *text = c->text;
  if (c->length == sizeof c->text - 1)
    c->length = 0; /* Whatever it is, the request makes no sense. */
  text[c->length++] = byte;
  text[c->length] = 0;
  if (byte != '\n')
    return;
  if (c->state == HEAD) {
    if (c->length >= 4 && memcmp(text + c->length - 4, "\r\n\r\n", 4) == 0)
      begin(fd, c);
    return;
  }
  int empty = c->length == 2;
  c->length = 0;
  if (c->state == LAST) {
    if (empty)
      end(fd, c);
  } else if (!empty) {
    c->left = strtoul(text, NULL, 16);
    c->total += c->left;
    c->state = c->left > 0 ? DATA : LAST;
  }
}

/* `false`: it is over. */
static int serve(int fd) {
  static char data[256 * 1024];
  struct connection *c = connections[fd];
  ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);
  if (got <= 0)
    return got < 0 && (errno == EAGAIN || errno == EINTR);
  for (size_t at = 0, length = (size_t)got; at < length;) {
    if (c->state != DATA && c->state != WHOLE) {
      take(fd, c, data[at++]);
      continue;
    }
    size_t part = length - at < c->left ? length - at : c->left;
    at += part;
    c->left -= part;
    if (c->left > 0)
      continue;
    if (c->state == WHOLE)
      end(fd, c);
    else
      c->state = LINE;
  }
  return 1;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    fail("epoll_ctl");
}

static void greet(int epoll, int listener) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= PLACES)
      fail("too many connections");
    connections[fd] = calloc(1, sizeof *connections[fd]);
    if (connections[fd] == NULL)
      fail("calloc");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, fd);
  }
  if (errno != EAGAIN && errno != ECONNABORTED)
    fail("accept");
}

/* At this port, or at any that is free; gives the port. */
static in_port_t listen_at(in_port_t port, int epoll) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) ||
      bind(fd, (struct sockaddr *)&address, length) || listen(fd, 4096) ||
      getsockname(fd, (struct sockaddr *)&address, &length))
    fail("listen");
  watch(epoll, fd);
  return address.sin_port;
}

int main(void) {
  struct rlimit files;
  struct epoll_event events[256];
  in_port_t port = 0;
  int epoll = epoll_create1(0);
  if (epoll < 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
    fail("epoll_create1");
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int i = 0; i < LISTENERS; i++)
    port = listen_at(port, epoll);
  printf("%d\n", ntohs(port));
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (connections[fd] == NULL)
        greet(epoll, fd);
      else if (!serve(fd))
        drop(fd);
    }
  }
}
