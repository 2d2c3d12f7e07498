-- Adds to the board of an organisation. ARGV: how much is kept, the organisation, how its queues
-- stand and the same as a message, or two empty texts; then as for publish.lua for each person. What
-- a person was told that no board shows is an empty text. The answer is that of publish.lua.
--
--   …board:l:<organisation>  the latest of what boards are told, each as the data of an event
--   …board:h:<organisation>  the number of the last of these
--   …board:n:<organisation>  hash: the number of the last thing that each person was told
--   …board:q:<organisation>  how its queues stood last

local P = 'frontdesk:cometd:'
local house = ARGV[2]
local log, top = P .. 'board:l:' .. house, P .. 'board:h:' .. house
local numbers, queues = P .. 'board:n:' .. house, P .. 'board:q:' .. house
local answers, i = {}, 5
local ms = redis.call('PTTL', top)
if ms <= 0 then
  -- Nobody watches any more.
  redis.call('ZREM', P .. 'boards', house)
  return {}
end
local added = 0
while i <= #ARGV do
  local user, sought = ARGV[i], tonumber(ARGV[i + 1])
  local first, count = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local head = tonumber(redis.call('HGET', numbers, user) or 0)
  local answer = -2
  if head == sought and first > head + 1 then
    -- What is missing is kept no longer.
    head = first - 1
  end
  if first > head + 1 then
    answer = head
  elseif first + count - 1 > head then
    for at = head + 1, first + count - 1 do
      local entry = ARGV[i + 4 + at - first]
      if entry ~= '' then
        redis.call('RPUSH', log, entry)
        added = added + 1
      end
    end
    redis.call('HSET', numbers, user, string.format('%.0f', first + count - 1))
  end
  answers[#answers + 1] = answer
  i = i + 4 + count
end
if ARGV[3] ~= '' and redis.call('GET', queues) ~= ARGV[3] then
  redis.call('SET', queues, ARGV[3])
  redis.call('RPUSH', log, ARGV[4])
  added = added + 1
end
for _, key in ipairs({log, numbers, queues}) do
  redis.call('PEXPIRE', key, ms)
end
if added > 0 then
  redis.call('LTRIM', log, -ARGV[1], -1)
  redis.call('INCRBY', top, added)
  redis.call('PUBLISH', P .. 'wake', 'b' .. house)
end
return answers
