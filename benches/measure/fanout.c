// Fan-out: to each server RECEIVERS connections that only read, and one that sends. A broadcast is SIZE bytes from the sender, and is
// over when every receiver has read so many. In every one of ROUNDS rounds each server in turn gets BROADCASTS of them, one after the
// other, while the others sleep, and a line is printed:
//   slice SERVER CPU RATE     server's number from 0, microseconds of its CPU per receiver and broadcast, receivers served a second
// A round before the first warms up.
// build: gcc -O2 -o fanout fanout.c    run: fanout RECEIVERS SIZE BROADCASTS ROUNDS PORT:PID [PORT:PID ...]
#include "client.h"

typedef struct {
  Target target;
  int sender, *receivers;
} Server;
static int receivers;
static size_t size;
static char *message, *input;

static void open_all(Server *server) {
  server->receivers = malloc(receivers * sizeof(int));
  for (int i = 0; i < receivers; i++) server->receivers[i] = dial(server->target.port);
  // The kernel hands connections out in the order in which they came: what the last one sends finds all others accepted.
  server->sender = dial(server->target.port);
}

static void broadcast(Server *server) {
  send_all(server->sender, message, size);
  for (int i = 0; i < receivers; i++) {
    receive_all(server->receivers[i], input, size);
    if (memcmp(message, input, size)) fprintf(stderr, "what arrived is not what was sent\n"), exit(4);
  }
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "usage: fanout RECEIVERS SIZE BROADCASTS ROUNDS PORT:PID [PORT:PID ...]\n"), 2;
  int broadcasts = atoi(argv[3]), rounds = atoi(argv[4]), servers = argc - 5;
  receivers = atoi(argv[1]), size = atol(argv[2]);
  if (receivers < 1 || size < 1 || broadcasts < 1 || rounds < 1) return fprintf(stderr, "nothing to send\n"), 2;
  raise_descriptor_limit();
  message = malloc(size), input = malloc(size);
  for (size_t i = 0; i < size; i++) message[i] = 'a' + i % 26;
  message[size - 1] = '\n';
  Server *all = calloc(servers, sizeof *all);
  for (int i = 0; i < servers; i++) all[i].target = parse_target(argv[5 + i]), open_all(&all[i]);
  for (int round = -1; round < rounds; round++)
    for (int i = 0; i < servers; i++) {
      int pid = all[i].target.pid;
      until_state(pid, 'S');
      double cpu = cpu_us(pid);
      uint64_t start = now_ns();
      for (int n = 0; n < broadcasts; n++) broadcast(&all[i]);
      uint64_t end = now_ns();
      until_state(pid, 'S');
      cpu = cpu_us(pid) - cpu;
      double served = (double)broadcasts * receivers;
      if (round >= 0) printf("slice %d %.3f %.0f\n", i, cpu / served, served * 1e9 / (end - start));
    }
  return 0;
}
