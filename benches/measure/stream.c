// Bulk echo: CONNS connections to each server; on each, messages of SIZE bytes, written while the echo is read, the next one
// when the last byte of the one before is back and equal to what was sent. In every one of ROUNDS rounds each server is
// loaded in turn for SLICE milliseconds while the others sleep, and prints a line:
//   slice SERVER CPU RATE     server's number from 0, MiB per second of its CPU, and per second of the clock
// A round before the first warms up.
// build: gcc -O2 -o stream stream.c    run: stream CONNS SIZE SLICE ROUNDS PORT:PID [PORT:PID ...]
#include "client.h"
#include <sys/epoll.h>

typedef struct {
  int fd;
  size_t sent, got;
} Connection;
typedef struct {
  Target target;
  int epoll;
  Connection *all;
} Server;
static size_t size;
static int conns, pending;
static char *message, *input;
static uint64_t received, until;

static void push(Connection *c) {
  while (c->sent < size) {
    ssize_t n = write(c->fd, message + c->sent, size - c->sent);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) perror("write"), exit(3);
    c->sent += n;
  }
}

static void pull(Connection *c) {
  while (c->got < c->sent) {
    ssize_t n = read(c->fd, input, c->sent - c->got);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) perror("read"), exit(3);
    if (n == 0) fprintf(stderr, "the server closed a connection\n"), exit(3);
    if (memcmp(message + c->got, input, n)) fprintf(stderr, "the echo is not what was sent\n"), exit(4);
    c->got += n, received += n;
    if (c->got < size) continue;
    if (now_ns() < until) c->got = c->sent = 0, push(c);
    else pending--;
  }
}

static void open_all(Server *server) {
  server->epoll = epoll_create1(0);
  server->all = calloc(conns, sizeof *server->all);
  for (int i = 0; i < conns; i++) {
    Connection *c = &server->all[i];
    c->fd = dial(server->target.port);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, c->fd, &event);
  }
}

// One slice: streams until the time is over, then until every message is back.
static void run(Server *server) {
  received = 0, pending = conns;
  for (int i = 0; i < conns; i++) server->all[i].got = server->all[i].sent = 0, push(&server->all[i]);
  while (pending) {
    struct epoll_event ready[64];
    int count = epoll_wait(server->epoll, ready, 64, 10000);
    if (count == 0) fprintf(stderr, "the server stopped answering\n"), exit(3);
    for (int i = 0; i < count; i++) push(ready[i].data.ptr), pull(ready[i].data.ptr);
  }
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "usage: stream CONNS SIZE SLICE ROUNDS PORT:PID [PORT:PID ...]\n"), 2;
  int slice = atoi(argv[3]), rounds = atoi(argv[4]), servers = argc - 5;
  conns = atoi(argv[1]), size = atol(argv[2]);
  if (conns < 1 || size < 1 || rounds < 1) return fprintf(stderr, "nothing to send\n"), 2;
  raise_descriptor_limit();
  message = malloc(size), input = malloc(size);
  uint32_t noise = 2463534242u;
  for (size_t i = 0; i < size; i++) {
    noise ^= noise << 13, noise ^= noise >> 17, noise ^= noise << 5;
    message[i] = noise;
  }
  Server *all = calloc(servers, sizeof *all);
  for (int i = 0; i < servers; i++) all[i].target = parse_target(argv[5 + i]), open_all(&all[i]);
  for (int round = -1; round < rounds; round++)
    for (int i = 0; i < servers; i++) {
      int pid = all[i].target.pid;
      until_state(pid, 'S');
      double cpu = cpu_us(pid);
      uint64_t start = now_ns();
      until = start + slice * 1000000ull;
      run(&all[i]);
      uint64_t end = now_ns();
      until_state(pid, 'S');
      cpu = cpu_us(pid) - cpu;
      double mebibytes = received / 1048576.0;
      if (round >= 0) printf("slice %d %.1f %.1f\n", i, mebibytes * 1e6 / cpu, mebibytes * 1e9 / (end - start));
    }
  return 0;
}
