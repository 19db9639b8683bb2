// What every client here shares: dialling, descriptors, clocks, and what a server process has used so far.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline void raise_descriptor_limit(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// Closing resets the connection, so however many are opened, none lingers in TIME_WAIT and takes a port from the next run.
static inline int dial(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  struct timeval patience = {.tv_sec = 60};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) perror("socket"), exit(1);
  if (connect(fd, (void *)&address, sizeof address)) perror("connect"), exit(1);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

static inline void send_all(int fd, const char *bytes, size_t size) {
  for (size_t sent = 0; sent < size;) {
    ssize_t n = write(fd, bytes + sent, size - sent);
    if (n > 0) sent += n;
    else if (errno != EAGAIN) perror("write"), exit(3);
  }
}

static inline void receive_all(int fd, char *bytes, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t n = read(fd, bytes + got, size - got);
    if (n == 0) fprintf(stderr, "the server closed a connection\n"), exit(3);
    if (n < 0) perror("read"), exit(3);
    got += n;
  }
}

// The time that all threads of a process have run, as the scheduler counts it.
static inline double cpu_us(int pid) {
  char path[320];
  double total = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (!tasks) perror(path), exit(1);
  for (struct dirent *task; (task = readdir(tasks));) {
    unsigned long long run;
    if (task->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, task->d_name);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    if (fscanf(file, "%llu", &run) == 1) total += run / 1e3;
    fclose(file);
  }
  closedir(tasks);
  return total;
}

// The value of a field of /proc/PID/status that is a number.
static inline long status_number(int pid, const char *field) {
  char path[64], line[256];
  long value = 0;
  size_t length = strlen(field);
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  if (!file) perror(path), exit(1);
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, field, length) && line[length] == ':') value = atol(line + length + 1);
  fclose(file);
  return value;
}

// A server to measure, from a word PORT:PID.
typedef struct {
  int port, pid;
} Target;

static inline Target parse_target(const char *word) {
  Target target;
  if (sscanf(word, "%d:%d", &target.port, &target.pid) != 2) fprintf(stderr, "%s is not PORT:PID\n", word), exit(2);
  return target;
}

static int stopped_server;

// A client that fails must not leave the server stopped.
static inline void let_server_go_on(void) {
  if (stopped_server) kill(stopped_server, SIGCONT);
  stopped_server = 0;
}

// Waits until the main thread of a process is in STATE: 'S' when it sleeps, 'T' when it is stopped. What a thread on a core
// has used is only written down now and then; of one that sleeps, it is exact.
static inline void until_state(int pid, char state) {
  char path[64], text[512];
  for (uint64_t deadline = now_ns() + 10000000000ull; now_ns() < deadline;) {
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file)) perror(path), exit(1);
    fclose(file);
    char *end = strrchr(text, ')');
    if (end && end[2] == state) return;
  }
  fprintf(stderr, "process %d did not come to state %c\n", pid, state), exit(3);
}

static inline void stop_server(int pid) {
  static int registered;
  if (!registered) atexit(let_server_go_on), registered = 1;
  stopped_server = pid;
  kill(pid, SIGSTOP);
  until_state(pid, 'T');
}
