// Ping-pong load: CONNS connections to each server, DEPTH messages of SIZE bytes in flight on each. In every one of ROUNDS
// rounds each server is loaded in turn for SLICE milliseconds while the others sleep; slices are short so that what else the
// machine does falls on all alike. A slice prints a line:
//   slice SERVER CPU RATE     server's number from 0, microseconds of its CPU per message, messages per second
// and at the end every server's latency in microseconds: latency SERVER MEDIAN P99 WORST. A round before the first warms up.
// build: gcc -O2 -o load load.c    run: load CONNS SIZE DEPTH SLICE ROUNDS PORT:PID [PORT:PID ...]
#include "client.h"
#include <sys/epoll.h>

enum { BUCKETS = 1 << 17, INPUT = 1 << 20 };
typedef struct {
  int fd, got;
  uint64_t sent_at;
} Connection;
typedef struct {
  Target target;
  int epoll;
  Connection *all;
  uint64_t replies, worst;
  uint32_t latency_us[BUCKETS];
} Server;
static int conns, depth, total;
static char *out, in[INPUT];

static void open_all(Server *server) {
  server->epoll = epoll_create1(0);
  server->all = calloc(conns, sizeof *server->all);
  for (int i = 0; i < conns; i++) {
    int fd = dial(server->target.port);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    server->all[i].fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->all[i]};
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static void ask(Connection *c, uint64_t now) {
  c->sent_at = now;
  send_all(c->fd, out, total);
}

// One slice: loads the server until the time is over, then waits for every reply. Returns the number of messages.
static uint64_t run(Server *server, uint64_t until) {
  uint64_t replies = 0;
  int pending = conns;
  for (int i = 0; i < conns; i++) ask(&server->all[i], now_ns());
  while (pending) {
    struct epoll_event ready[1024];
    int count = epoll_wait(server->epoll, ready, 1024, 10000);
    if (count == 0) fprintf(stderr, "the server stopped answering\n"), exit(3);
    for (int i = 0; i < count; i++) {
      Connection *c = ready[i].data.ptr;
      ssize_t n = read(c->fd, in, INPUT);
      if (n < 0 && errno == EAGAIN) continue;
      if (n <= 0) fprintf(stderr, "the server closed a connection\n"), exit(3);
      if ((c->got += n) < total) continue;
      uint64_t now = now_ns(), us = (now - c->sent_at) / 1000;
      if (us > server->worst) server->worst = us;
      server->latency_us[us < BUCKETS ? us : BUCKETS - 1]++;
      replies++;
      c->got = 0;
      if (now < until) ask(c, now);
      else pending--;
    }
  }
  server->replies += replies;
  return replies * depth;
}

static int percentile(const Server *server, int percent) {
  uint64_t seen = 0;
  for (int us = 0; us < BUCKETS; us++)
    if ((seen += server->latency_us[us]) * 100 >= server->replies * percent) return us;
  return BUCKETS;
}

int main(int argc, char **argv) {
  if (argc < 7) return fprintf(stderr, "usage: load CONNS SIZE DEPTH SLICE ROUNDS PORT:PID [PORT:PID ...]\n"), 2;
  conns = atoi(argv[1]), depth = atoi(argv[3]);
  int size = atoi(argv[2]), slice = atoi(argv[4]), rounds = atoi(argv[5]), servers = argc - 6;
  if (conns < 1 || depth < 1 || size < 2 || rounds < 1) return fprintf(stderr, "nothing to send\n"), 2;
  raise_descriptor_limit();
  total = size * depth;
  out = malloc(total);
  memset(out, 'x', total);
  for (int end = size; end <= total; end += size) memcpy(out + end - 2, "\r\n", 2);
  Server *all = calloc(servers, sizeof *all);
  for (int i = 0; i < servers; i++) all[i].target = parse_target(argv[6 + i]), open_all(&all[i]);
  for (int round = -1; round < rounds; round++)
    for (int i = 0; i < servers; i++) {
      Server *server = &all[i];
      until_state(server->target.pid, 'S');
      double cpu = cpu_us(server->target.pid);
      uint64_t start = now_ns(), messages = run(server, start + slice * 1000000ull), end = now_ns();
      until_state(server->target.pid, 'S');
      cpu = cpu_us(server->target.pid) - cpu;
      if (round >= 0) printf("slice %d %.4f %.0f\n", i, cpu / messages, messages * 1e9 / (end - start));
    }
  for (int i = 0; i < servers; i++)
    printf("latency %d %d %d %lu\n", i, percentile(&all[i], 50), percentile(&all[i], 99), (unsigned long)all[i].worst);
  return 0;
}
