-- Has wrk send DEPTH requests at a time on each connection, and print what was done in whole numbers:
--   wrk -s wrk.lua URL -- DEPTH
-- prints, last of all: seen REQUESTS BYTES ERRORS
function init(arguments)
  local one = wrk.format()
  requests = string.rep(one, tonumber(arguments[1] or 1))
end

function request()
  return requests
end

function done(summary)
  local errors = summary.errors
  local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("seen %d %d %d\n", summary.requests, summary.bytes, wrong))
end
