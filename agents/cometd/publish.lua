-- Adds to what users are told. ARGV: how many messages are kept, then for each user its id, the
-- number after which its messages were looked for, the number of the first that was found, how many
-- there are, and the messages. The answer has for each user -2 when they are there now, -1 when
-- nobody listens, else the last number that there is: what follows it has to come first.

local P = 'frontdesk:cometd:'
local answers, woken, i = {}, {}, 2
while i <= #ARGV do
  local user, sought = ARGV[i], tonumber(ARGV[i + 1])
  local first, count = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local log, top = P .. 'l:' .. user, P .. 'h:' .. user
  local head = tonumber(redis.call('GET', top) or -1)
  local answer = -2
  if head == sought and first > head + 1 then
    -- What is missing is kept no longer. Who has not got it yet will be told so.
    redis.call('DEL', log)
    head = first - 1
  end
  if head == -1 then
    answer = -1
  elseif first > head + 1 then
    answer = head
  elseif first + count - 1 > head then
    -- Somebody else may have added some of them.
    for at = head + 1, first + count - 1 do
      redis.call('RPUSH', log, ARGV[i + 4 + at - first])
    end
    redis.call('LTRIM', log, -ARGV[1], -1)
    redis.call('SET', top, string.format('%.0f', first + count - 1), 'KEEPTTL')
    -- Only who listens keeps it alive.
    redis.call('PEXPIRE', log, math.max(redis.call('PTTL', top), 1))
    woken[#woken + 1] = user
  end
  answers[#answers + 1] = answer
  i = i + 4 + count
end
if #woken > 0 then
  redis.call('PUBLISH', P .. 'wake', 'w' .. table.concat(woken, ' '))
end
return answers
