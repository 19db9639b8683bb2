// How fast servers take connections. A batch: the server is stopped, WIDTH connections are made (the kernel queues them), and
// the clock runs from the moment that the server goes on until the last of them is echoed; a queue is served in order, so all
// were accepted by then. Then all are reset. The CPU time counted is that of a whole life: accepting, registering, noticing
// the reset, closing. In every one of ROUNDS rounds each server takes BATCHES batches, in turn, and prints a line:
//   slice SERVER CPU RATE     server's number from 0, connections per second of its CPU, and per second of the clock
// WIDTH must be below the servers' backlogs. A round before the first warms up.
// build: gcc -O2 -o accept accept.c    run: accept WIDTH BATCHES ROUNDS PORT:PID [PORT:PID ...]
#include "client.h"

static char line[64] = "a line of sixty-three bytes that the server sends back as is.\r\n";
static int width, *fds;

static void ping(int fd) {
  char reply[63];
  send_all(fd, line, sizeof reply);
  receive_all(fd, reply, sizeof reply);
}

// One batch. Returns the nanoseconds that it took until the last connection was echoed.
static uint64_t run(Target target, int control) {
  stop_server(target.pid);
  for (int i = 0; i < width; i++) fds[i] = dial(target.port);
  send_all(fds[width - 1], line, 63);
  uint64_t start = now_ns();
  let_server_go_on();
  receive_all(fds[width - 1], line, 63);
  uint64_t end = now_ns();
  for (int i = 0; i < width; i++) close(fds[i]);
  for (int i = 0; i < 3; i++) ping(control); // by then the resets are dealt with
  return end - start;
}

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "usage: accept WIDTH BATCHES ROUNDS PORT:PID [PORT:PID ...]\n"), 2;
  int batches = atoi(argv[2]), rounds = atoi(argv[3]), servers = argc - 4;
  width = atoi(argv[1]);
  if (width < 1 || batches < 1 || rounds < 1) return fprintf(stderr, "nothing to connect\n"), 2;
  raise_descriptor_limit();
  fds = malloc(width * sizeof *fds);
  Target *all = calloc(servers, sizeof *all);
  int *control = calloc(servers, sizeof *control);
  for (int i = 0; i < servers; i++) all[i] = parse_target(argv[4 + i]), control[i] = dial(all[i].port);
  for (int round = -1; round < rounds; round++)
    for (int i = 0; i < servers; i++) {
      uint64_t wall = 0;
      until_state(all[i].pid, 'S');
      double cpu = cpu_us(all[i].pid);
      for (int batch = 0; batch < batches; batch++) wall += run(all[i], control[i]);
      until_state(all[i].pid, 'S');
      cpu = cpu_us(all[i].pid) - cpu;
      double accepted = (double)batches * width;
      if (round >= 0) printf("slice %d %.0f %.0f\n", i, accepted * 1e6 / cpu, accepted * 1e9 / wall);
    }
  return 0;
}
