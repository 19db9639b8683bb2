// What an idle connection costs: opens CONNS connections to server process PID, lets each echo one 63-byte line, then
// leaves them idle and prints how much the server's resident memory grew per connection. With a REQUEST_FILE each sends what is in it,
// and reads the answer; the length of that is learned on a connection before, so all answers must be equally long.
// build: gcc -O2 -o idle idle.c    run: idle PORT CONNS PID [REQUEST_FILE]
#include "client.h"
#include <poll.h>

static char request[1 << 16] = "a line of sixty-three bytes that the server sends back as is.\r\n", answer[1 << 20];

// The length of the answer, which has come when nothing more does for half a second.
static size_t learn(int port, size_t size) {
  int fd = dial(port);
  size_t expect = 0;
  send_all(fd, request, size);
  for (struct pollfd wait = {.fd = fd, .events = POLLIN}; poll(&wait, 1, expect ? 500 : 30000) > 0;) {
    ssize_t n = read(fd, answer, sizeof answer);
    if (n <= 0) fprintf(stderr, "the server closed a connection\n"), exit(3);
    expect += n;
  }
  if (!expect) fprintf(stderr, "the server never answered\n"), exit(3);
  close(fd);
  return expect;
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5) return fprintf(stderr, "usage: idle PORT CONNS PID [REQUEST_FILE]\n"), 2;
  int port = atoi(argv[1]), conns = atoi(argv[2]), pid = atoi(argv[3]);
  size_t size = 63, expect = 63;
  raise_descriptor_limit();
  if (argc == 5) {
    FILE *file = fopen(argv[4], "r");
    if (!file) return perror(argv[4]), 2;
    size = fread(request, 1, sizeof request, file);
    expect = learn(port, size);
  }
  long before = status_number(pid, "VmRSS");
  for (int i = 0; i < conns; i++) {
    int fd = dial(port);
    send_all(fd, request, size);
    receive_all(fd, answer, expect);
  }
  sleep(1);
  long after = status_number(pid, "VmRSS");
  printf("%ld KiB resident before\n%ld KiB resident after\n", before, after);
  printf("%.0f bytes per idle connection\n", (after - before) * 1024.0 / conns);
  return 0;
}
