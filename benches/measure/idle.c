// What an idle connection costs: opens CONNS connections to server process PID, lets each echo one 63-byte line, then
// leaves them idle and prints how much the server's resident memory grew per connection.
// build: gcc -O2 -o idle idle.c    run: idle PORT CONNS PID
#include "client.h"

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: idle PORT CONNS PID\n"), 2;
  int port = atoi(argv[1]), conns = atoi(argv[2]), pid = atoi(argv[3]);
  raise_descriptor_limit();
  long before = status_number(pid, "VmRSS");
  char line[64] = "a line of sixty-three bytes that the server sends back as is.\r\n";
  for (int i = 0; i < conns; i++) {
    int fd = dial(port);
    send_all(fd, line, 63);
    receive_all(fd, line, 63);
  }
  sleep(1);
  long after = status_number(pid, "VmRSS");
  printf("%ld KiB resident before\n%ld KiB resident after\n", before, after);
  printf("%.0f bytes per idle connection\n", (after - before) * 1024.0 / conns);
  return 0;
}
