// A deterministic client: CONNS connections, ROUNDS rounds; in each, every connection sends the request, then every
// connection reads its whole reply. The reply's length is learned on the first connection, so all replies must be equally long.
// With the server's PID, the server is stopped while the connections are opened, BATCH at a time, and while the requests are sent, so
// that it finds all of a batch or of a round at once: how many turns it takes is then no matter of timing.
// build: gcc -O2 -o lockstep lockstep.c    run: lockstep PORT CONNS ROUNDS REQUEST_FILE [PID]
#include "client.h"
#include <poll.h>

#define BATCH 100  // Less than the backlog of any server to be measured.

static char request[1 << 20], reply[1 << 21];

int main(int argc, char **argv) {
  if (argc != 5 && argc != 6) return fprintf(stderr, "usage: lockstep PORT CONNS ROUNDS REQUEST_FILE [PID]\n"), 2;
  int port = atoi(argv[1]), conns = atoi(argv[2]), rounds = atoi(argv[3]), pid = argc == 6 ? atoi(argv[5]) : 0;
  FILE *file = fopen(argv[4], "r");
  if (!file) return perror(argv[4]), 2;
  raise_descriptor_limit();
  size_t size = fread(request, 1, sizeof request, file), expect = 0;
  int first = dial(port);
  send_all(first, request, size);
  for (struct pollfd wait = {.fd = first, .events = POLLIN}; poll(&wait, 1, expect ? 500 : 30000) > 0;) {
    ssize_t n = read(first, reply, sizeof reply);
    if (n <= 0) return fprintf(stderr, "the server closed the first connection\n"), 3;
    expect += n;
  }
  if (!expect) return fprintf(stderr, "the server never answered\n"), 3;
  close(first);
  int *fds = malloc(conns * sizeof *fds);
  for (int i = 0; i < conns; i++) {
    if (pid && i % BATCH == 0) let_server_go_on(), until_state(pid, 'S'), stop_server(pid);
    fds[i] = dial(port);
  }
  let_server_go_on();
  for (int round = 0; round < rounds; round++) {
    if (pid) until_state(pid, 'S'), stop_server(pid);
    for (int i = 0; i < conns; i++) send_all(fds[i], request, size);
    let_server_go_on();
    for (int i = 0; i < conns; i++) receive_all(fds[i], reply, expect);
  }
  return 0;
}
